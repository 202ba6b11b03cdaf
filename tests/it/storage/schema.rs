//! The schema as the code knows it, and rules that every table keeps.

use std::collections::BTreeMap;

use mishap_testkit::TestDatabase;

/// What diesel's builder is told of the tables.
const SOURCE: &str = include_str!("../../../crates/storage/src/schema.rs");

/// Columns with their types, by table.
type Tables = BTreeMap<String, Vec<(String, String)>>;

fn told() -> Tables {
    let mut tables = Tables::new();
    for declaration in SOURCE.split("diesel::table! {").skip(1) {
        let (name, rest) = declaration.split_once(" (").unwrap();
        let (_, rest) = rest.split_once('{').unwrap();
        let (columns, _) = rest.split_once('}').unwrap();
        let column = |text: &str| {
            let (name, sql_type) = text.trim().split_once(" -> ")?;
            Some((name.to_owned(), sql_type.trim_end_matches(',').to_owned()))
        };
        tables.insert(name.trim().to_owned(), columns.lines().filter_map(column).collect());
    }
    tables
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_knows_the_columns_and_types_of_its_tables() {
    let database = TestDatabase::new().await;
    let told = told();
    assert!(told.len() >= 6, "{:?}", told.keys());
    for (table, columns) in &told {
        let query = format!(
            "SELECT column_name AS name, is_nullable = 'YES' AS nullable, data_type AS kind
             FROM information_schema.columns
             WHERE table_schema = 'public' AND table_name = '{table}' ORDER BY ordinal_position"
        );
        let rows = database.rows(&query).await;
        let found: Vec<_> = rows
            .iter()
            .map(|row| {
                let sql_type = match row["kind"].as_str().unwrap() {
                    "bigint" => "BigInt",
                    "integer" => "Integer",
                    "smallint" => "SmallInt",
                    "text" => "Text",
                    "boolean" => "Bool",
                    "bytea" => "Binary",
                    "uuid" => "Uuid",
                    "jsonb" => "Jsonb",
                    "timestamp with time zone" => "Timestamptz",
                    other => panic!("{table}: {other}"),
                };
                let sql_type = match row["nullable"].as_bool().unwrap() {
                    true => format!("Nullable<{sql_type}>"),
                    false => sql_type.to_owned(),
                };
                (row["name"].as_str().unwrap().to_owned(), sql_type)
            })
            .collect();
        assert_eq!(columns, &found, "{table}");
    }
}

async fn names(query: &str) -> Vec<String> {
    let database = TestDatabase::new().await;
    let rows = database.rows(query).await;
    rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_table_has_more_columns_than_diesel_is_built_for() {
    let wide = "SELECT table_name AS name FROM information_schema.columns
        WHERE table_schema = 'public' GROUP BY 1 HAVING count(*) > 32";
    assert_eq!(names(wide).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reference_has_an_index() {
    // Else deleting what is referred to would read the whole table.
    let bare = "SELECT c.conrelid::regclass || '.' || c.conname AS name FROM pg_constraint c
        WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace
            AND NOT EXISTS (SELECT 1 FROM pg_index i
                WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1])";
    assert_eq!(names(bare).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_partitioned_table_is_known_to_those_who_make_partitions() {
    let partitioned = "SELECT relname AS name FROM pg_class
        WHERE relkind = 'p' AND relname <> 'inbox' ORDER BY 1";
    let mut known: Vec<_> =
        mishap_storage::partitions::ALL.iter().map(|table| table.table.to_owned()).collect();
    known.sort_unstable();
    assert_eq!(names(partitioned).await, known);
}
