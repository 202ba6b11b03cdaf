//! Migrations, there and back.

use mishap_storage::migrations::{newest, pending, revert_all, run};
use mishap_testkit::TestDatabase;
use tokio::task::JoinSet;

/// Everything that makes up the schema, one line each.
const SCHEMA: &str = "
    SELECT concat_ws(' ', 'table', c.relname, c.relkind, c.relpersistence, c.reloptions::text,
        pg_get_expr(c.relpartbound, c.oid), pg_get_partkeydef(c.oid)) AS line
    FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
    UNION ALL
    SELECT concat_ws(' ', 'column', c.relname, a.attnum, a.attname,
        format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
        a.attstorage, a.attcompression, pg_get_expr(d.adbin, d.adrelid))
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT concat_ws(' ', 'index', indexdef) FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL
    SELECT concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL
    SELECT concat_ws(' ', 'comment', objoid::regclass, objsubid, description) FROM pg_description
    WHERE classoid = 'pg_class'::regclass
        AND objoid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
    UNION ALL
    SELECT concat_ws(' ', 'sequence', sequencename, start_value, increment_by, last_value)
    FROM pg_sequences WHERE schemaname = 'public'
    UNION ALL
    SELECT concat_ws(' ', 'function', oid::regprocedure, prosrc) FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace
    UNION ALL
    SELECT concat_ws(' ', 'type', typname, typtype) FROM pg_type
    WHERE typnamespace = 'public'::regnamespace
    ORDER BY line";

async fn schema(database: &TestDatabase) -> Vec<String> {
    let rows = database.rows(SCHEMA).await;
    rows.iter().map(|row| row["line"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn up_down_and_up_again_gives_the_same_schema() {
    let database = TestDatabase::empty().await;
    let empty = schema(&database).await;
    assert_eq!(empty, Vec::<String>::new());
    let applied = run(database.connect().await).await.unwrap();
    assert!(applied >= 4, "{applied}");
    let first = schema(&database).await;
    assert!(first.len() > 100);
    assert_eq!(revert_all(database.connect().await).await.unwrap(), applied);
    let left: Vec<_> = schema(&database).await;
    let of_diesel = |line: &&String| line.contains("__diesel_schema_migrations");
    assert_eq!(left.iter().filter(|line| !of_diesel(line)).collect::<Vec<_>>(), [""; 0]);
    assert_eq!(run(database.connect().await).await.unwrap(), applied);
    assert_eq!(schema(&database).await, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn down_works_with_rows_and_partitions_in_the_tables() {
    let desk = mishap_testkit::Desk::new().await;
    desk.put_event(&mishap_testkit::builders::error_event("CartError", "empty")).await;
    desk.digest().await;
    assert!(revert_all(desk.database.connect().await).await.unwrap() >= 4);
    let tables = "SELECT count(*) FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'S')";
    // Only the list of migrations is left.
    assert_eq!(desk.database.number(tables).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_who_migrate_at_once_do_it_once() {
    let database = TestDatabase::empty().await;
    let mut migrations = JoinSet::new();
    for _ in 0..3 {
        let conn = database.connect().await;
        migrations.spawn(async move { run(conn).await.unwrap() });
    }
    let mut applied = migrations.join_all().await;
    applied.sort_unstable();
    assert_eq!(applied[..2], [0, 0]);
    assert!(applied[2] >= 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_known_by_its_version() {
    let database = TestDatabase::empty().await;
    let mut conn = database.connect().await;
    let all = pending(&mut conn).await.unwrap();
    assert_eq!(all.last(), Some(&newest()));
    run(database.connect().await).await.unwrap();
    assert_eq!(pending(&mut conn).await.unwrap(), Vec::<String>::new());
    let last = format!("DELETE FROM __diesel_schema_migrations WHERE version = '{}'", newest());
    database.sql(&last).await;
    assert_eq!(pending(&mut conn).await.unwrap(), [newest()]);
    // A newer version's migrations are none of our business.
    database
        .sql("INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000000')")
        .await;
    assert_eq!(pending(&mut conn).await.unwrap(), [newest()]);
}
