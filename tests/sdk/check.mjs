// Runs Clerk's official backend SDK against a fresh sandbox: `node check.mjs [path to the usher binary]`.
// With CLERK_API_URL set, it takes the sandbox that listens there (and resets it) instead of starting one.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { createClerkClient } from '@clerk/backend';
import { isClerkAPIResponseError } from '@clerk/backend/errors';

const binary = process.argv[2] ?? new URL('../../target/debug/usher', import.meta.url).pathname;
const checks = [];
const check = (claim, body) => checks.push({ claim, body });

async function startSandbox() {
  if (process.env.CLERK_API_URL) return { url: process.env.CLERK_API_URL, stop: () => {} };
  const child = spawn(binary, ['sandbox', '--listen', '127.0.0.1:0', '--json'], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) {
    return { url: JSON.parse(line).sandbox, stop: () => child.kill('SIGTERM') };
  }
  throw new Error(`${binary} sandbox did not say where it listens`);
}

/** Expects an SDK error with this status and code, and gives its first entry. */
async function refused(promise, status, code) {
  const error = await promise.then(() => assert.fail(`expected ${code}`), error => error);
  assert.ok(isClerkAPIResponseError(error), `not an API error: ${error}`);
  assert.deepEqual([error.status, error.errors[0].code], [status, code]);
  assert.match(error.clerkTraceId, /^[0-9a-f]{32}$/);
  return error.errors[0];
}

const acme = 'org_acme';
const join = (clerk, userId, role = 'org:member') =>
  clerk.organizations.createOrganizationMembership({ organizationId: acme, userId, role });

check('users are created, read and listed', async clerk => {
  const eve = await clerk.users.createUser({
    emailAddress: ['eve@example.com'],
    externalId: 'ext_eve',
    firstName: 'Eve',
    publicMetadata: { plan: 'team' },
  });
  assert.match(eve.id, /^user_[0-9A-Za-z]{27}$/);
  assert.equal(eve.primaryEmailAddress.emailAddress, 'eve@example.com');
  assert.equal(eve.emailAddresses[0].verification.status, 'verified');
  assert.deepEqual((await clerk.users.getUser(eve.id)).publicMetadata, { plan: 'team' });
  for (const filter of [{ userId: [eve.id] }, { emailAddress: ['eve@example.com'] }, { externalId: ['ext_eve'] }]) {
    const { data, totalCount } = await clerk.users.getUserList(filter);
    assert.deepEqual([data.map(user => user.id), totalCount], [[eve.id], 1]);
  }
  const page = await clerk.users.getUserList({ limit: 2, offset: 1, orderBy: '+created_at' });
  assert.deepEqual([page.data.map(user => user.id), page.totalCount], [['user_bob', 'user_carol'], 5]);
  const taken = clerk.users.createUser({ emailAddress: ['ada@example.com'] });
  assert.equal((await refused(taken, 422, 'form_identifier_exists')).meta.paramName, 'email_address');
  await refused(clerk.users.getUser('user_nobody'), 404, 'resource_not_found');
});

check('organizations are created, read by id and slug, and listed', async clerk => {
  assert.equal((await clerk.organizations.getOrganization({ organizationId: acme })).slug, 'acme');
  assert.equal((await clerk.organizations.getOrganization({ slug: 'acme' })).id, acme);
  const made = await clerk.organizations.createOrganization({ name: 'Umbrella', slug: 'umbrella', createdBy: 'user_ada' });
  assert.match(made.id, /^org_[0-9A-Za-z]{27}$/);
  const { data, totalCount } = await clerk.organizations.getOrganizationList({ userId: ['user_ada'], includeMembersCount: true });
  assert.deepEqual([data.map(found => [found.id, found.membersCount]), totalCount], [[[made.id, 1]], 1]);
  await refused(clerk.organizations.getOrganization({ slug: 'nowhere' }), 404, 'resource_not_found');
});

check('memberships are created, listed, updated and deleted', async clerk => {
  const made = await clerk.organizations.createOrganizationMembership({
    organizationId: acme,
    userId: 'user_ada',
    role: 'org:member',
    privateMetadata: { usher_event: 'evt_1' },
  });
  assert.match(made.id, /^orgmem_[0-9A-Za-z]{27}$/);
  assert.deepEqual([made.role, made.organization.id, made.publicUserData.userId], ['org:member', acme, 'user_ada']);
  await join(clerk, 'user_bob', 'org:admin');

  const of = async filter => {
    const list = await clerk.organizations.getOrganizationMembershipList({ organizationId: acme, ...filter });
    return [list.data.map(member => member.publicUserData.userId), list.totalCount];
  };
  assert.deepEqual(await of({}), [['user_bob', 'user_ada'], 2]);
  assert.deepEqual(await of({ limit: 1, offset: 1 }), [['user_ada'], 2]);
  assert.deepEqual(await of({ userId: ['user_ada'] }), [['user_ada'], 1]);
  assert.deepEqual(await of({ userId: ['-user_ada'] }), [['user_bob'], 1]);
  assert.deepEqual(await of({ emailAddress: ['ada@example.com'] }), [['user_ada'], 1]);
  assert.deepEqual(await of({ role: ['org:admin'] }), [['user_bob'], 1]);
  assert.deepEqual(await of({ query: 'ada' }), [['user_ada'], 1]);
  const listed = await clerk.organizations.getOrganizationMembershipList({ organizationId: acme, userId: ['user_ada'] });
  assert.deepEqual(listed.data[0].privateMetadata, { usher_event: 'evt_1' });

  const ada = { organizationId: acme, userId: 'user_ada' };
  const updated = await clerk.organizations.updateOrganizationMembership({ ...ada, role: 'org:viewer' });
  assert.deepEqual([updated.id, updated.role], [made.id, 'org:viewer']);
  assert.equal((await clerk.organizations.deleteOrganizationMembership(ada)).id, made.id);
  await refused(clerk.organizations.deleteOrganizationMembership(ada), 404, 'resource_not_found');
  await refused(clerk.organizations.updateOrganizationMembership({ ...ada, role: 'org:viewer' }), 404, 'resource_not_found');
});

check('what Clerk refuses is refused with its status and code', async (clerk, url) => {
  await join(clerk, 'user_ada', 'org:admin');
  await refused(join(clerk, 'user_ada'), 400, 'already_a_member_in_organization');
  const lastAdmin = clerk.organizations.deleteOrganizationMembership({ organizationId: acme, userId: 'user_ada' });
  await refused(lastAdmin, 400, 'organization_minimum_permissions_needed');
  const user = await refused(join(clerk, 'user_nobody'), 404, 'resource_not_found');
  assert.equal(user.longMessage, 'No user was found with id user_nobody');
  assert.equal((await refused(join(clerk, 'user_bob', 'org:king'), 404, 'resource_not_found')).meta.paramName, 'role');
  const tiny = await clerk.organizations.createOrganization({ name: 'Tiny', createdBy: 'user_ada', maxAllowedMemberships: 1 });
  const full = { organizationId: tiny.id, userId: 'user_bob', role: 'org:member' };
  await refused(clerk.organizations.createOrganizationMembership(full), 403, 'organization_membership_quota_exceeded');
  const stranger = createClerkClient({ secretKey: 'sk_live_wrong', apiUrl: url });
  await refused(stranger.users.getUser('user_ada'), 401, 'clerk_key_invalid');
});

check('invitations are created, listed, read and revoked', async clerk => {
  await join(clerk, 'user_bob', 'org:admin');
  const invite = emailAddress =>
    clerk.organizations.createOrganizationInvitation({
      organizationId: acme,
      emailAddress,
      role: 'org:member',
      inviterUserId: 'user_bob',
      privateMetadata: { usher_event: 'evt_1' },
    });
  const made = await invite('eve@example.com');
  assert.match(made.id, /^orginv_[0-9A-Za-z]{27}$/);
  assert.deepEqual([made.status, made.role, made.organizationId], ['pending', 'org:member', acme]);
  await refused(invite('eve@example.com'), 400, 'organization_invitation_not_unique');
  await refused(invite('bob@example.com'), 400, 'already_a_member_in_organization');
  const { data, totalCount } = await clerk.organizations.getOrganizationInvitationList({ organizationId: acme, status: ['pending'] });
  assert.deepEqual([data.map(found => [found.id, found.emailAddress]), totalCount], [[[made.id, 'eve@example.com']], 1]);
  const one = { organizationId: acme, invitationId: made.id };
  assert.deepEqual((await clerk.organizations.getOrganizationInvitation(one)).privateMetadata, { usher_event: 'evt_1' });
  assert.equal((await clerk.organizations.revokeOrganizationInvitation({ ...one, requestingUserId: 'user_bob' })).status, 'revoked');
  await refused(clerk.organizations.revokeOrganizationInvitation({ ...one, requestingUserId: 'user_bob' }), 404, 'organization_invitation_not_pending');
});

check('organizations are updated, memberships get metadata and are listed by user', async clerk => {
  const updated = await clerk.organizations.updateOrganization(acme, { name: 'Acme Two', maxAllowedMemberships: 1 });
  assert.deepEqual([updated.name, updated.maxAllowedMemberships], ['Acme Two', 1]);
  await join(clerk, 'user_ada');
  await refused(join(clerk, 'user_bob'), 403, 'organization_membership_quota_exceeded');
  const ada = { organizationId: acme, userId: 'user_ada' };
  const merged = await clerk.organizations.updateOrganizationMembershipMetadata({ ...ada, publicMetadata: { a: 1 } });
  assert.deepEqual(merged.publicMetadata, { a: 1 });
  const { data, totalCount } = await clerk.users.getOrganizationMembershipList({ userId: 'user_ada' });
  assert.deepEqual([data.map(found => found.organization.id), totalCount], [[acme], 1]);
});

check('role changes of one membership are limited, with a time to wait', async clerk => {
  await join(clerk, 'user_carol');
  const change = () =>
    clerk.organizations.updateOrganizationMembership({ organizationId: acme, userId: 'user_carol', role: 'org:viewer' });
  for (let n = 0; n < 10; n += 1) await change();
  const error = await change().then(() => assert.fail('expected 429'), error => error);
  assert.deepEqual([error.status, error.errors[0].code], [429, 'too_many_requests']);
  assert.ok(error.retryAfter >= 1 && error.retryAfter <= 10, `retryAfter ${error.retryAfter}`);
});

const sandbox = await startSandbox();
let failed = 0;
for (const { claim, body } of checks) {
  await fetch(`${sandbox.url}/sandbox/reset`, { method: 'POST' });
  const clerk = createClerkClient({ secretKey: 'sk_test_sdk', apiUrl: sandbox.url });
  await body(clerk, sandbox.url).then(
    () => console.log(`ok      ${claim}`),
    error => {
      failed += 1;
      console.log(`FAILED  ${claim}\n${error.stack}`);
    },
  );
}
sandbox.stop();
console.log(`${checks.length - failed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
