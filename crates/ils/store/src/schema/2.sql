-- Version 2: a peer ID is the fingerprint of a key, and what a cluster says of itself is signed with it.

-- What this node has said of itself last. Until it has, `identity` has the peer ID that it had under version 1.
CREATE TABLE own (
    only       INTEGER PRIMARY KEY CHECK (only = 1),
    peer_id    TEXT NOT NULL,
    statement  BLOB NOT NULL,
    public_key BLOB NOT NULL,
    signature  BLOB NOT NULL
) STRICT;

-- Whoever was known had not signed, and has another peer ID by now.
DROP VIEW remotecluster;
DROP VIEW remoteclusteruricatalog;
DROP VIEW processnode;
DROP TABLE peer_node;
DROP TABLE peer;

-- The PeerInfoVector. What is signed is in the statement; CUCM's tables show some of it, which is checked as it is read, since
-- anybody may edit a file.
CREATE TABLE peer (
    peer_id      TEXT PRIMARY KEY,
    pkid         TEXT NOT NULL,
    cluster_id   TEXT NOT NULL,
    fqdn         TEXT NOT NULL,
    description  TEXT NOT NULL,
    version      TEXT NOT NULL,
    route_string TEXT NOT NULL,
    proof        TEXT NOT NULL, -- certificate, password, relayed
    relayed_by   TEXT,          -- the hub's peer ID; only where relayed
    statement    BLOB NOT NULL,
    public_key   BLOB NOT NULL,
    signature    BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE VIEW remotecluster (pkid, fullyqualifiedname, clusterid, description, version) AS
    SELECT pkid, fqdn, cluster_id, description, version FROM peer;

CREATE VIEW remoteclusteruricatalog (peerid, routestring) AS
    SELECT peer_id, route_string FROM peer;

CREATE VIEW processnode (pkid, name, nodeid, description) AS
    SELECT substr(own.peer_id, 1, 8) || '-' || substr(own.peer_id, 9, 4) || '-'
               || substr(own.peer_id, 13, 4) || '-' || substr(own.peer_id, 17, 4) || '-'
               || substr(own.peer_id, 21, 12),
           node.fqdn, node.only, coalesce(setting.value ->> '$', node.description)
      FROM node LEFT JOIN own ON own.only = node.only
                LEFT JOIN setting ON setting.key = 'description';
