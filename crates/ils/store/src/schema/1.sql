-- Version 1: identity, PeerInfoVector, changed settings; CUCM's tables as far as they have content or a name.

-- The publisher's own peer ID.
CREATE TABLE identity (
    only    INTEGER PRIMARY KEY CHECK (only = 1),
    peer_id TEXT NOT NULL
) STRICT;

-- What this node is called at its start; said anew at each.
CREATE TABLE node (
    only        INTEGER PRIMARY KEY CHECK (only = 1),
    fqdn        TEXT NOT NULL,
    description TEXT NOT NULL
) STRICT;

-- The PeerInfoVector. Values are checked as they are read, since anybody may edit a file.
CREATE TABLE peer (
    peer_id      TEXT PRIMARY KEY,
    pkid         TEXT NOT NULL,
    cluster_id   TEXT NOT NULL,
    fqdn         TEXT NOT NULL,
    description  TEXT NOT NULL,
    version      TEXT NOT NULL,
    role         TEXT NOT NULL, -- hub, spoke
    route_string TEXT NOT NULL,
    proof        TEXT NOT NULL, -- certificate, password, relayed
    relayed_by   TEXT           -- the hub's peer ID; only where relayed
) STRICT, WITHOUT ROWID;

CREATE TABLE peer_node (
    peer_id   TEXT NOT NULL REFERENCES peer ON DELETE CASCADE,
    position  INTEGER NOT NULL,
    host      TEXT NOT NULL,
    addresses TEXT NOT NULL, -- JSON array of text
    PRIMARY KEY (peer_id, position)
) STRICT, WITHOUT ROWID;

-- Settings changed while running, and the start-up values that they replaced; both JSON.
CREATE TABLE setting (
    key      TEXT PRIMARY KEY,
    value    TEXT NOT NULL,
    replaced TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Written and taken back, to learn whether a write would work.
CREATE TABLE probe (
    filler BLOB NOT NULL
) STRICT;

-- CUCM's tables. What stands behind a view is granted to it column by column: see grants.rs.
CREATE VIEW remotecluster (pkid, fullyqualifiedname, clusterid, description, version) AS
    SELECT pkid, fqdn, cluster_id, description, version FROM peer;

CREATE VIEW remoteclusteruricatalog (peerid, routestring) AS
    SELECT peer_id, route_string FROM peer;

-- This node is the publisher, hence 1; its key is its peer ID written as a UUID. Columns: the lab's choice.
CREATE VIEW processnode (pkid, name, nodeid, description) AS
    SELECT substr(identity.peer_id, 1, 8) || '-' || substr(identity.peer_id, 9, 4) || '-'
               || substr(identity.peer_id, 13, 4) || '-' || substr(identity.peer_id, 17, 4) || '-'
               || substr(identity.peer_id, 21, 12),
           node.fqdn, node.only, coalesce(setting.value ->> '$', node.description)
      FROM node LEFT JOIN identity ON identity.only = node.only
                LEFT JOIN setting ON setting.key = 'description';

CREATE TABLE typepatternusage (
    enum INTEGER PRIMARY KEY,
    name TEXT NOT NULL
) STRICT;

INSERT INTO typepatternusage (enum, name) VALUES
    (22, 'Uri Routing'),
    (23, 'ILS Learned Enterprise Number'),
    (24, 'ILS Learned E164 Number'),
    (25, 'ILS Learned Enterprise Numeric Pattern'),
    (26, 'ILS Learned E164 Numeric Pattern'),
    (27, 'Alternate Number'),
    (28, 'ILS Learned URI'),
    (29, 'ILS Learned PSTN Failover Rule'),
    (30, 'ILS Imported E164 Number');

-- Learned data: empty until dial plan replication fills them.
CREATE TABLE remotecatalogkey (
    remotecatalogkey_id            INTEGER PRIMARY KEY,
    remoteclusteruricatalog_peerid TEXT NOT NULL
) STRICT;

CREATE TABLE remoteroutingpattern (
    remotecatalogkey_id INTEGER NOT NULL REFERENCES remotecatalogkey,
    pattern             TEXT NOT NULL,
    tkpatternusage      INTEGER NOT NULL REFERENCES typepatternusage
) STRICT;

-- Columns: the lab's choice. Not STRICT, which knows no BOOLEAN; `run sql` prints such a column as t and f.
CREATE TABLE remoteobjectpartitionrule (
    pkid           TEXT PRIMARY KEY NOT NULL,
    tkpatternusage INTEGER NOT NULL REFERENCES typepatternusage,
    partition      TEXT,
    isurgent       BOOLEAN NOT NULL DEFAULT 0
);
