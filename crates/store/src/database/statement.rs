//! Statements as every database takes them.

use sea_orm::{ConnectionTrait, DbBackend, DbErr, ExecResult, QueryResult, Statement, Value};

/// A connection whose statements hold no U+0000: PostgreSQL stores no text with one, and a delivery
/// must not fail for what somebody wrote. Senders of such text are rare, so it is replaced on every
/// database alike, by what [`schemas::Untrusted`] replaces it with.
#[derive(Debug, Clone)]
pub(crate) struct Cleaned<C>(pub(crate) C);

#[async_trait::async_trait]
impl<C: ConnectionTrait> ConnectionTrait for Cleaned<C> {
    fn get_database_backend(&self) -> DbBackend {
        self.0.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.0.execute_raw(cleaned(statement)).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.0.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.0.query_one_raw(cleaned(statement)).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.0.query_all_raw(cleaned(statement)).await
    }
}

fn cleaned(mut statement: Statement) -> Statement {
    for value in statement.values.iter_mut().flat_map(|values| values.0.iter_mut()) {
        if let Value::String(Some(text)) = value
            && text.contains('\0')
        {
            *text = text.replace('\0', "\u{fffd}");
        }
    }
    statement
}
