-- Times are microseconds since 1970, UTC.

-- What scans found, one for each content.
CREATE TABLE inventory (
    number INTEGER PRIMARY KEY,
    identity TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    os TEXT NOT NULL,
    complete INTEGER NOT NULL,
    packages INTEGER NOT NULL,
    observed_at INTEGER NOT NULL,
    stored_at INTEGER NOT NULL,
    -- The document sekisho.inventory/v1, in zstd.
    document BLOB NOT NULL
) STRICT;
CREATE INDEX inventory_by_name ON inventory (name, identity);

-- Each package once, whoever has it.
CREATE TABLE package (
    number INTEGER PRIMARY KEY,
    purl TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL
) STRICT;
CREATE INDEX package_by_name ON package (kind, name);

CREATE TABLE inventory_package (
    package INTEGER NOT NULL REFERENCES package (number),
    inventory INTEGER NOT NULL REFERENCES inventory (number) ON DELETE CASCADE,
    PRIMARY KEY (package, inventory)
) STRICT, WITHOUT ROWID;
CREATE INDEX inventory_package_by_inventory ON inventory_package (inventory);

-- Work to be done, by whoever comes first.
CREATE TABLE job (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    -- What it is about: of one kind there is one at a time about it.
    subject TEXT NOT NULL,
    payload TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    -- Whoever has it has it until then.
    leased_until INTEGER,
    worker TEXT,
    attempt INTEGER NOT NULL DEFAULT 0,
    done_steps INTEGER NOT NULL DEFAULT 0,
    all_steps INTEGER NOT NULL DEFAULT 0,
    failure TEXT,
    -- Set where it is not tried again.
    given_up INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    UNIQUE (kind, subject)
) STRICT;
CREATE INDEX job_by_time ON job (given_up, due_at, number);
