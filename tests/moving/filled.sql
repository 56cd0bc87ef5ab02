-- A ledger with every kind of state, as often as wanted (?1): settled, due, leased, held, dead, discarded, superseded,
-- scheduled, waiting, of unknown answer, covered, forced; with keys, failures, and texts that hold U+0000.
CREATE TEMP TABLE n AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 24)
    SELECT i FROM n;
INSERT INTO events SELECT i, 1800000000000 + i, randomblob(16), randomblob(32), 'billing', 'plan.purchased', 'shop',
    'event-' || i, CASE i % 5 WHEN 0 THEN 'é ' || char(0) || char(26) || ' "quoted"' || char(10) END,
    CASE i % 3 WHEN 0 THEN '2026-11-24T00:00:00.123456789Z' END, CASE i % 7 WHEN 0 THEN '{"partitionkey":"é"}' END,
    CASE i % 6 WHEN 0 THEN '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' END,
    CASE i % 6 WHEN 0 THEN 'rojo=1' END, CASE i % 11 WHEN 0 THEN '["rule","when","data.x",null]' END,
    '{"organization_id":"org_acme","user_id":"user_' || i || '","plan":"team","text":"\u0000é"}',
    CASE i % 22 WHEN 0 THEN 'known' END, CASE i % 4 WHEN 0 THEN randomblob(16) WHEN 1 THEN randomblob(32) END
    FROM n;
INSERT INTO keys_late SELECT i, randomblob(16) FROM n WHERE i % 10 < 2;
INSERT INTO keys SELECT id, seq FROM keys_late;
INSERT INTO changes SELECT i << 24,
    CASE i % 12 WHEN 1 THEN 1800000000000 + i WHEN 2 THEN 1800000030000 WHEN 8 THEN 1800000060000
        WHEN 9 THEN 1800000000000 + i WHEN 10 THEN 1800000000000 + i END,
    'billing', i % 2, CASE i % 12 WHEN 0 THEN 'granted' WHEN 4 THEN 'dead' WHEN 5 THEN 'dead' WHEN 6 THEN 'superseded'
        WHEN 7 THEN 'granted' WHEN 11 THEN 'updated' END,
    'create', CASE i % 9 WHEN 0 THEN 'slug:acme' ELSE 'org_acme' END,
    CASE i % 9 WHEN 1 THEN 'email:user' || i || '@example.com' ELSE 'user_' || i END, 'grant', 'org:member', 'raise',
    'org:viewer org:guest', 'fail', CASE i % 8 WHEN 0 THEN '{"public":{"plan":"team"}}' END, 'plan purchased',
    randomblob(32), CASE i % 12 WHEN 6 THEN (i + 1) << 24 END, NULL, NULL, 0, i % 12 = 2, i % 12 IN (2, 8, 9),
    CASE i % 12 WHEN 2 THEN 1800000030000 WHEN 8 THEN 1800000060000 END, i % 3, 1800000000000 + i, i % 12 = 9,
    NULL, i % 12 = 11, i % 12 = 3, i % 12 = 1, i % 12 = 11, i % 12 = 5, CASE i % 12 WHEN 11 THEN 'slug:acme' END,
    CASE i % 12 WHEN 11 THEN 'email:ada@example.com' END, CASE i % 12 WHEN 0 THEN 'orgmem_' || i END,
    CASE i % 12 WHEN 4 THEN 'no such ' || char(0) || 'user' END
    FROM n;
-- Behind some of them stands another: the end of a grant that sleeps, or one that the first stands for.
INSERT INTO changes SELECT (i << 24) + 1, CASE i % 12 WHEN 7 THEN 1900000000000 END, 'billing', 0, NULL, 'delete',
    'org_acme', 'user_' || i, 'revoke', NULL, NULL, NULL, NULL, NULL, 'plan purchased', randomblob(32), NULL,
    CASE i % 12 WHEN 7 THEN i << 24 END, CASE i % 12 WHEN 7 THEN 1900000000000 END, i % 12 = 7, 0, 0, NULL, 0, NULL, 0,
    CASE i % 12 WHEN 10 THEN i << 24 END, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL
    FROM n WHERE i % 12 IN (7, 10) AND i % 9 > 1;
INSERT INTO attempts SELECT i << 24, 1, 1800000000000 + i, CASE i % 2 WHEN 0 THEN 200 END,
    CASE i % 4 WHEN 0 THEN 'resource_not_found' END, i, CASE i % 2 WHEN 0 THEN 'trace' || i END FROM n WHERE i % 3 > 0;
INSERT INTO memberships SELECT 'org_acme', 'user_' || i, i << 24, CASE i % 2 WHEN 0 THEN '2026-11-24T00:00:00Z' END
    FROM n WHERE i % 12 IN (0, 7, 11);
INSERT INTO removals SELECT 'org_acme', 'billing', CASE i % 2 WHEN 0 THEN 9223372036854775807 ELSE 1800000000000 END,
    (i << 24) + 1 FROM n WHERE i % 12 IN (7, 10);
