-- Times are microseconds since 1970, UTC. Texts are ordered by their bytes, as in SQLite.

-- What scans found, one for each content.
CREATE TABLE inventory (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    identity TEXT COLLATE "C" NOT NULL UNIQUE,
    name TEXT COLLATE "C" NOT NULL,
    os TEXT NOT NULL,
    complete BIGINT NOT NULL,
    packages BIGINT NOT NULL,
    observed_at BIGINT NOT NULL,
    stored_at BIGINT NOT NULL,
    -- The document sekisho.inventory/v1, in zstd.
    document BYTEA NOT NULL
);
CREATE INDEX inventory_by_name ON inventory (name, identity);

-- Each package once, whoever has it.
CREATE TABLE package (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    purl TEXT COLLATE "C" NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    version TEXT NOT NULL
);
CREATE INDEX package_by_name ON package (kind, name);

CREATE TABLE inventory_package (
    package BIGINT NOT NULL REFERENCES package (number),
    inventory BIGINT NOT NULL REFERENCES inventory (number) ON DELETE CASCADE,
    PRIMARY KEY (package, inventory)
);
CREATE INDEX inventory_package_by_inventory ON inventory_package (inventory);

-- Work to be done, by whoever comes first.
CREATE TABLE job (
    number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    -- What it is about: of one kind there is one at a time about it.
    subject TEXT COLLATE "C" NOT NULL,
    payload TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    -- Whoever has it has it until then.
    leased_until BIGINT,
    worker TEXT,
    attempt BIGINT NOT NULL DEFAULT 0,
    done_steps BIGINT NOT NULL DEFAULT 0,
    all_steps BIGINT NOT NULL DEFAULT 0,
    failure TEXT,
    -- Set where it is not tried again.
    given_up BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    UNIQUE (kind, subject)
);
CREATE INDEX job_by_time ON job (given_up, due_at, number);
