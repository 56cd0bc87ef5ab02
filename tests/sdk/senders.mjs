// Sends with the official libraries of senders, unchanged, to a usher that runs: `node senders.mjs CLAIM`.
// USHER_URL says where it listens, TOKEN and SECRET prove who sends.
import assert from 'node:assert/strict';
import { CloudEvent, HTTP, Mode, emitterFor, httpTransport } from 'cloudevents';
import { Webhook } from 'standardwebhooks';

const url = `${process.env.USHER_URL}/v1/events`;
const authorization = `Bearer ${process.env.TOKEN}`;
const source = 'https://shop.example/orders';

const purchase = (id, more = {}) =>
  new CloudEvent({
    id,
    source,
    type: 'plan.purchased',
    subject: 'plans/team',
    partitionkey: 'org_acme',
    data: { organization_id: 'org_acme', user_id: 'user_ada', plan: 'team' },
    ...more,
  });

async function post({ headers, body }, more = { authorization }) {
  const response = await fetch(url, { method: 'POST', headers: { ...headers, ...more }, body });
  return { status: response.status, replayed: response.headers.get('idempotent-replayed') === 'true', body: await response.json() };
}

function accepted(answer, event) {
  assert.equal(answer.status, 202, JSON.stringify(answer.body));
  assert.deepEqual([answer.body.source, answer.body.event_id, answer.body.type], [event.source, event.id, event.type]);
  assert.equal(answer.body.changes[0].user, 'user_ada');
}

const claims = {
  async structured() {
    const event = purchase('js-structured');
    accepted(await post(HTTP.structured(event)), event);
  },

  async binary() {
    const event = purchase('js-binary');
    accepted(await post(HTTP.binary(event)), event);
    const structured = await post(HTTP.structured(event));
    assert.ok(structured.replayed, `both modes are one event: ${JSON.stringify(structured)}`);
  },

  async base64() {
    const { data } = purchase('');
    const data_base64 = Buffer.from(JSON.stringify(data)).toString('base64');
    const event = purchase('js-base64', { data: undefined, data_base64, datacontenttype: 'application/json' });
    assert.equal(JSON.parse(HTTP.structured(event).body).data_base64, data_base64);
    accepted(await post(HTTP.structured(event)), event);
  },

  // The library's own transport gives the body and not the status.
  async emitter() {
    for (const mode of [Mode.STRUCTURED, Mode.BINARY]) {
      const event = purchase(`js-emitter-${mode}`);
      const emit = emitterFor(httpTransport(url), { mode });
      const { body } = await emit(event, { headers: { authorization } });
      accepted({ status: 202, body: JSON.parse(body) }, event);
    }
  },

  // The library reads batches and writes none: a batch is the list of its events.
  async batch() {
    const events = ['js-batch-1', 'js-batch-2'].map(id => purchase(id));
    events.push(purchase('js-batch-3', { type: 'not.mine' }));
    const headers = { 'content-type': 'application/cloudevents-batch+json' };
    const { status, body } = await post({ headers, body: JSON.stringify(events) });
    assert.equal(status, 202, JSON.stringify(body));
    assert.deepEqual(body.results.map(result => result.status), [202, 202, 403]);
    assert.deepEqual(body.results.slice(0, 2).map(result => result.event.event_id), ['js-batch-1', 'js-batch-2']);
  },

  async signed() {
    const webhook = new Webhook(process.env.SECRET);
    const { headers, body } = HTTP.structured(purchase('js-signed'));
    const signed = (date, more = {}) => {
      const signature = webhook.sign('msg_js', date, body);
      const seconds = Math.floor(date.getTime() / 1000).toString();
      return { 'webhook-id': 'msg_js', 'webhook-timestamp': seconds, 'webhook-signature': signature, ...more };
    };
    const now = new Date();
    const refused = [
      [`${body} `, signed(now)],
      [body, signed(now, { 'webhook-id': 'msg_other' })],
      [body, signed(now, { 'webhook-signature': new Webhook(`whsec_${Buffer.alloc(32).toString('base64')}`).sign('msg_js', now, body) })],
      [body, signed(new Date(now.getTime() - 310_000))],
      [body, signed(new Date(now.getTime() + 310_000))],
    ];
    for (const [tampered, proof] of refused) {
      assert.equal((await post({ headers, body: tampered }, proof)).status, 401, JSON.stringify(proof));
    }
    accepted(await post({ headers, body }, signed(now)), purchase('js-signed'));
    const again = await post({ headers, body }, signed(new Date()));
    assert.ok(again.status === 202 && again.replayed, JSON.stringify(again));
  },
};

await claims[process.argv[2]]();
