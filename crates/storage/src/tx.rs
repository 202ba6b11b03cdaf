//! Transactions, which begin again when somebody else was faster.

use std::future::Future;

use diesel_async::{AnsiTransactionManager, TransactionManager as _};
use mishap_core::causes::Causes;

use crate::error::{ErrorClass, Result};
use crate::pool::Conn;

/// How often a transaction is tried.
const ATTEMPTS: usize = 5;

/// What is done on a connection, or in a transaction: an async closure whose future may move between threads.
///
/// It is implemented by every such closure that changes nothing it has captured.
pub trait Body<C, R>: AsyncFn(C) -> R + Fn(C) -> <Self as Body<C, R>>::Future {
    /// What the closure returns.
    type Future: Future<Output = R>;
}

impl<F, C, R, U> Body<C, R> for F
where
    F: AsyncFn(C) -> R + Fn(C) -> U,
    U: Future<Output = R>,
{
    type Future = U;
}

/// Runs `body` in a transaction, again from its beginning if it conflicted with another one.
///
/// A transaction that is broken off in the middle, because its future is dropped, leaves a
/// connection that its pool throws away.
#[expect(
    clippy::manual_async_fn,
    reason = "it says that the future is Send; callers cannot infer it"
)]
pub fn transaction<'c, T, F>(
    conn: &'c mut Conn,
    body: F,
) -> impl Future<Output = Result<T>> + Send + use<'c, T, F>
where
    for<'r> F: AsyncFn(&'r mut Conn) -> Result<T>
        + Body<&'r mut Conn, Result<T>, Future: Send>
        + Send
        + Sync,
    T: Send,
{
    async move {
        for _ in 1..ATTEMPTS {
            match attempt(conn, &body).await {
                Err(error) if error.class() == ErrorClass::Conflict => {
                    tracing::debug!(
                        error = %Causes(&error),
                        "a transaction conflicted and begins again"
                    );
                }
                result => return result,
            }
        }
        attempt(conn, &body).await
    }
}

/// Runs `body` in a transaction, once.
#[expect(
    clippy::manual_async_fn,
    reason = "it says that the future is Send; callers cannot infer it"
)]
pub(crate) fn attempt<'c, T, F>(
    conn: &'c mut Conn,
    body: &'c F,
) -> impl Future<Output = Result<T>> + Send + use<'c, T, F>
where
    for<'r> F: AsyncFn(&'r mut Conn) -> Result<T>
        + Body<&'r mut Conn, Result<T>, Future: Send>
        + Send
        + Sync,
    T: Send,
{
    async move {
        AnsiTransactionManager::begin_transaction(conn).await?;
        match body(conn).await {
            Ok(value) => {
                AnsiTransactionManager::commit_transaction(conn).await?;
                Ok(value)
            }
            Err(error) => {
                // Why the transaction failed says more than why it could not be rolled back, and a
                // connection that cannot roll back is of no use any more.
                let _broken = AnsiTransactionManager::rollback_transaction(conn).await;
                Err(error)
            }
        }
    }
}
