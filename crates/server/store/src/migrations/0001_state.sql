-- In the words of SQLite; `schema.rs` says how PostgreSQL reads the same text. Times are
-- milliseconds since the epoch in `audit.at`, seconds everywhere else.

CREATE TABLE meta (
    only_row       INTEGER PRIMARY KEY CHECK (only_row = 1),
    schema_version INTEGER NOT NULL
);

-- A tenant that is no longer declared keeps its row and its keys, so that a slip in the
-- configuration never destroys a key: declared again, it carries on with the same ones.
-- `revision` grows with every change of anything that belongs to the tenant.
CREATE TABLE tenant (
    name       TEXT    PRIMARY KEY,
    issuer     TEXT    NOT NULL,
    document   TEXT    NOT NULL,
    source     TEXT    NOT NULL CHECK (source IN ('file', 'api')),
    declared   INTEGER NOT NULL CHECK (declared IN (0, 1)),
    version    INTEGER NOT NULL,
    revision   INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);

CREATE UNIQUE INDEX tenant_declared_issuer ON tenant (issuer) WHERE declared = 1;

-- `record` is the slot's record: state, times, backend. `public` is the JWK that is published:
-- a JWKS is served without opening a key.
CREATE TABLE signing_key (
    tenant     TEXT    NOT NULL REFERENCES tenant (name),
    kid        TEXT    NOT NULL,
    algorithm  TEXT    NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN ('next', 'active', 'retired')),
    record     TEXT    NOT NULL,
    public     TEXT    NOT NULL,
    sealed     BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, kid)
);

-- Everything else that is declared: token configs, workloads, people. What belongs to no tenant
-- has the tenant ''.
CREATE TABLE resource (
    tenant     TEXT    NOT NULL,
    kind       TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    document   TEXT    NOT NULL,
    source     TEXT    NOT NULL CHECK (source IN ('file', 'api')),
    version    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, kind, name)
);

-- Answers to requests that may be sent again, until they are forgotten.
CREATE TABLE answered (
    actor   TEXT    NOT NULL,
    mark    TEXT    NOT NULL,
    request TEXT    NOT NULL,
    status  INTEGER NOT NULL,
    body    TEXT    NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (actor, mark)
);

-- No index beside the key and no reference to `tenant`: this table is on the way of every token,
-- and it outlives what it speaks of. `hash` is over the row and the hash before it.
CREATE TABLE audit (
    id           INTEGER PRIMARY KEY,
    at           INTEGER NOT NULL,
    kind         TEXT    NOT NULL,
    tenant       TEXT    NOT NULL,
    actor        TEXT,
    workload     TEXT,
    evidence     TEXT,
    token_config TEXT,
    subject      TEXT,
    audience     TEXT,
    lifetime     INTEGER,
    jti          TEXT,
    kid          TEXT,
    role         TEXT,
    target       TEXT,
    outcome      TEXT    NOT NULL,
    reason       TEXT,
    client       TEXT,
    hash         BLOB    NOT NULL
);

-- The end of the chain, for whoever appends next.
CREATE TABLE audit_head (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    id       INTEGER NOT NULL,
    hash     BLOB    NOT NULL
);

-- Evidence that was used, until it would have expired anyway.
CREATE TABLE replay (
    tenant   TEXT    NOT NULL,
    workload TEXT    NOT NULL,
    jti      TEXT    NOT NULL,
    expires  INTEGER NOT NULL,
    PRIMARY KEY (tenant, workload, jti)
);

CREATE INDEX replay_expires ON replay (expires);
