//! What `run sql` may touch: CUCM's tables, and nothing else of the database or of SQLite.

use std::collections::BTreeSet;

use rusqlite::hooks::{AuthAction, AuthContext};

/// Tables and views that `run sql` reads, by CUCM's names.
pub const TABLES: [&str; 7] = [
    "remotecluster",
    "processnode",
    "typepatternusage",
    "remoteclusteruricatalog",
    "remotecatalogkey",
    "remoteroutingpattern",
    "remoteobjectpartitionrule",
];

/// View, table behind it, and the columns that the view shows or joins by.
///
/// Exact columns and not whole tables, since `with remotecluster as (select … from peer) …` also reads `peer` in the
/// name of `remotecluster`: that way too it comes to no more than the view shows.
const BEHIND: [(&str, &str, &[&str]); 5] = [
    ("remotecluster", "peer", &["pkid", "fqdn", "cluster_id", "description", "version"]),
    ("remoteclusteruricatalog", "peer", &["peer_id", "route_string"]),
    ("processnode", "node", &["only", "fqdn", "description"]),
    ("processnode", "own", &["only", "peer_id"]),
    ("processnode", "setting", &["key", "value"]),
];

/// Functions that read nothing but their arguments, take time in proportion to them and make nothing large of them.
/// Without `trim` and its kin: with a long set of characters they run for minutes, and cannot be interrupted.
const FUNCTIONS: [&str; 31] = [
    "abs",
    "avg",
    "char",
    "coalesce",
    "concat",
    "concat_ws",
    "count",
    "glob",
    "group_concat",
    "hex",
    "ifnull",
    "iif",
    "instr",
    "length",
    "like",
    "lower",
    "max",
    "min",
    "nullif",
    "quote",
    "replace",
    "round",
    "sign",
    "string_agg",
    "substr",
    "substring",
    "sum",
    "total",
    "typeof",
    "unicode",
    "upper",
];

/// What one statement may do, and what it has been seen to do.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    /// Views and named subqueries that were read into, in lower case.
    expanded: BTreeSet<String>,
    /// Tables that were read through a view.
    opened: BTreeSet<&'static str>,
}

impl Grants {
    /// Permits an action, or says what was not permitted.
    pub(crate) fn judge(&mut self, context: &AuthContext<'_>) -> Result<(), String> {
        match context.action {
            AuthAction::Select => Ok(()),
            AuthAction::Function { function_name } if listed(&FUNCTIONS, function_name) => Ok(()),
            // As the view has it, which reads a setting's text out of its JSON.
            AuthAction::Function { function_name: "->>" } if is_read_by(context, "processnode") => Ok(()),
            AuthAction::Function { function_name } => Err(format!("the function {function_name}")),
            AuthAction::Read { table_name, column_name: "" } if self.may_count(table_name) => Ok(()),
            AuthAction::Read { table_name, column_name }
                if self.may_read(context, table_name, column_name) =>
            {
                Ok(())
            }
            AuthAction::Read { table_name, .. } => Err(format!("reading the table {table_name}")),
            AuthAction::Recursive => Err("a recursive query".to_owned()),
            AuthAction::Pragma { .. } => Err("a pragma".to_owned()),
            AuthAction::Attach { .. } | AuthAction::Detach { .. } => Err("another database".to_owned()),
            _ => Err("a statement other than select".to_owned()),
        }
    }

    /// The accessor is the view, or the named subquery, that does the reading.
    fn may_read(&mut self, context: &AuthContext<'_>, table_name: &str, column_name: &str) -> bool {
        let behind = context.accessor.and_then(|accessor| behind(accessor, table_name, column_name));
        let permitted =
            context.database_name == Some("main") && (listed(&TABLES, table_name) || behind.is_some());
        if permitted {
            self.opened.extend(behind);
            self.expanded.extend(context.accessor.map(str::to_ascii_lowercase));
        }
        permitted
    }

    /// Rows without a column of theirs, as `count(*)` has them. SQLite tells neither database nor accessor here, and may
    /// have put the table in the place of its view by then: so the table may be counted where the view was read into.
    fn may_count(&self, table_name: &str) -> bool {
        listed(&TABLES, table_name)
            || self.opened.contains(table_name)
            || self.expanded.contains(&table_name.to_ascii_lowercase())
    }
}

/// Is it this view that reads?
fn is_read_by(context: &AuthContext<'_>, view: &str) -> bool {
    context.accessor.is_some_and(|accessor| accessor.eq_ignore_ascii_case(view))
}

/// SQLite hands a name over as the statement spells it.
fn listed(names: &[&str], name: &str) -> bool {
    names.iter().any(|listed| listed.eq_ignore_ascii_case(name))
}

/// The table behind this view, if the view may read this column of it.
fn behind(accessor: &str, table_name: &str, column_name: &str) -> Option<&'static str> {
    let (_, table, _) = BEHIND.iter().find(|(view, table, columns)| {
        view.eq_ignore_ascii_case(accessor) && *table == table_name && columns.contains(&column_name)
    })?;
    Some(table)
}
