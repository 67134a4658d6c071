-- Times are milliseconds since the epoch in `audit.at`, seconds everywhere else.

CREATE TABLE meta (
    only_row       INTEGER PRIMARY KEY CHECK (only_row = 1),
    schema_version INTEGER NOT NULL
) STRICT;

-- A tenant that is no longer declared keeps its row and its keys, so that a slip in the
-- configuration never destroys a key: declared again, it carries on with the same ones.
CREATE TABLE tenant (
    name       TEXT    PRIMARY KEY,
    issuer     TEXT    NOT NULL,
    declared   INTEGER NOT NULL DEFAULT 1 CHECK (declared IN (0, 1)),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX tenant_declared_issuer ON tenant (issuer) WHERE declared = 1;

CREATE TABLE signing_key (
    tenant     TEXT    NOT NULL REFERENCES tenant (name),
    kid        TEXT    NOT NULL,
    algorithm  TEXT    NOT NULL,
    sealed     BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    state      TEXT    NOT NULL CHECK (state IN ('next', 'active', 'retired')),
    PRIMARY KEY (tenant, kid)
) STRICT;

CREATE TABLE token_config (
    tenant   TEXT NOT NULL REFERENCES tenant (name) ON DELETE CASCADE,
    name     TEXT NOT NULL,
    document TEXT NOT NULL CHECK (json_valid(document)),
    PRIMARY KEY (tenant, name)
) STRICT;

CREATE TABLE workload (
    tenant   TEXT NOT NULL REFERENCES tenant (name) ON DELETE CASCADE,
    name     TEXT NOT NULL,
    document TEXT NOT NULL CHECK (json_valid(document)),
    PRIMARY KEY (tenant, name)
) STRICT;

-- No index beside the key and no reference to `tenant`: this table is on the way of every token,
-- and it outlives what it speaks of.
CREATE TABLE audit (
    id           INTEGER PRIMARY KEY,
    at           INTEGER NOT NULL,
    kind         TEXT    NOT NULL,
    tenant       TEXT    NOT NULL,
    workload     TEXT,
    token_config TEXT,
    subject      TEXT,
    audience     TEXT,
    lifetime     INTEGER,
    jti          TEXT,
    kid          TEXT,
    role         TEXT,
    outcome      TEXT    NOT NULL,
    reason       TEXT,
    client       TEXT
) STRICT;

-- Assertions that were used, until they would have expired anyway. Uniqueness is decided in
-- memory; this is what memory is filled from after a restart.
CREATE TABLE replay (
    tenant   TEXT    NOT NULL,
    workload TEXT    NOT NULL,
    jti      TEXT    NOT NULL,
    expires  INTEGER NOT NULL
) STRICT;

CREATE INDEX replay_expires ON replay (expires);
