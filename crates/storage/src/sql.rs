//! SQL written out, where the query builder has no words for it.

use diesel::pg::Pg;
use diesel::prelude::QueryResult;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::serialize::ToSql;
use diesel::sql_types::{Array, HasSqlType, Nullable, SingleValue, Untyped};

/// A statement with numbered placeholders.
///
/// Unlike `diesel::sql_query` it is prepared once per connection: the text is fixed at compile time,
/// so the cache of prepared statements stays small. Placeholders count from `$1` in the order of the
/// text, each once.
pub(crate) struct Statement<'a> {
    text: &'static str,
    binds: Vec<Box<dyn QueryFragment<Pg> + Send + 'a>>,
}

/// A statement without values yet.
pub(crate) fn statement<'a>(text: &'static str) -> Statement<'a> {
    Statement { text, binds: Vec::new() }
}

impl<'a> Statement<'a> {
    /// Gives the next placeholder a value.
    pub(crate) fn bind<S, V>(mut self, value: V) -> Self
    where
        Pg: HasSqlType<S>,
        S: Send + 'a,
        V: ToSql<S, Pg> + Send + 'a,
    {
        self.binds.push(Box::new(Bound { value, sql_type: std::marker::PhantomData::<fn() -> S> }));
        self
    }

    /// Gives the next placeholder an array.
    pub(crate) fn array<S, V>(self, values: Vec<V>) -> Self
    where
        Pg: HasSqlType<S>,
        S: SingleValue + Send + 'static,
        V: ToSql<S, Pg> + std::fmt::Debug + Send + 'a,
    {
        self.bind::<Array<S>, _>(values)
    }

    /// Gives the next placeholder an array whose elements may be null.
    pub(crate) fn nullable_array<S, V>(self, values: Vec<Option<V>>) -> Self
    where
        Pg: HasSqlType<S>,
        S: SingleValue
            + diesel::sql_types::SqlType<IsNull = diesel::sql_types::is_nullable::NotNull>
            + Send
            + 'static,
        V: ToSql<S, Pg> + std::fmt::Debug + Send + 'a,
    {
        self.bind::<Array<Nullable<S>>, _>(values)
    }
}

/// The pattern (`LIKE`) of texts that contain this one.
pub(crate) fn containing(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

/// One value.
struct Bound<S, V> {
    value: V,
    sql_type: std::marker::PhantomData<fn() -> S>,
}

impl<S, V> QueryFragment<Pg> for Bound<S, V>
where
    Pg: HasSqlType<S>,
    V: ToSql<S, Pg>,
{
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        pass.push_bind_param(&self.value)
    }
}

impl QueryFragment<Pg> for Statement<'_> {
    fn walk_ast<'b>(&'b self, mut pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let mut rest = self.text;
        for (place, bind) in self.binds.iter().enumerate() {
            let placeholder = format!("${}", place + 1);
            let Some((before, behind)) = rest.split_once(placeholder.as_str()) else {
                return Err(diesel::result::Error::QueryBuilderError(
                    format!("{placeholder} is missing in: {}", self.text).into(),
                ));
            };
            pass.push_sql(before);
            bind.walk_ast(pass.reborrow())?;
            rest = behind;
        }
        pass.push_sql(rest);
        Ok(())
    }
}

impl QueryId for Statement<'_> {
    type QueryId = ();

    // The text tells one statement from another, not the type.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Statement<'_> {
    type SqlType = Untyped;
}
