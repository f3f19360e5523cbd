//! What was spent and is held back in a day. Sums over runs: no counter can leak.

use std::collections::HashMap;
use std::ops::Range;

use chrono::{DateTime, Utc};
use schemas::RunId;
use schemas::automation::Usd;
use sea_orm::sea_query::{Alias, CaseStatement, Expr, ExprTrait, Func};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

use super::row::{micros, usd};
use crate::entity::run;
use crate::{Store, StoreError, Tx};

/// Whose money it is: each has a daily sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Payer {
    /// An automation, by name.
    Automation,
    /// A repository, as `connection/owner/name`.
    Repository,
    /// Who triggered runs, as `connection:account id`.
    Actor,
}

/// A payer and its name.
pub type Account = (Payer, String);

/// What a day has cost an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DaySum {
    /// Spent by runs that were admitted that day.
    pub spent: Usd,
    /// Held back beside it for those of them that are not done.
    pub reserved: Usd,
}

impl DaySum {
    /// Both together: what a limit is held against.
    #[must_use]
    pub fn taken(self) -> Usd {
        self.spent.plus(self.reserved)
    }
}

impl Tx {
    /// What these accounts spent and hold back, by runs that were admitted within `day`.
    ///
    /// This is the budget's lock: a transaction of [`Store::begin`] has its turn, so nobody can admit
    /// between this question and its end.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn day_sums(
        &self,
        accounts: &[Account],
        day: Range<DateTime<Utc>>,
    ) -> Result<HashMap<Account, DaySum>, StoreError> {
        let mut sums = HashMap::new();
        for payer in [Payer::Automation, Payer::Repository, Payer::Actor] {
            let names: Vec<&str> = accounts
                .iter()
                .filter(|account| account.0 == payer)
                .map(|account| account.1.as_str())
                .collect();
            // SQLite binds at most 32,766 values to a statement.
            for names in names.chunks(8_000) {
                sums.extend(day_sums(&self.inner, payer, Some(names), day.clone()).await?);
            }
        }
        Ok(sums)
    }

    /// What a worker says that its run has spent in this epoch, in the end.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn settle_spent(&self, id: RunId, spent: Usd) -> Result<(), StoreError> {
        run::Entity::update_many()
            .col_expr(run::Column::SpentNow, Expr::value(micros(spent)))
            .filter(run::Column::Id.eq(id.0))
            .filter(run::Column::SpentNow.ne(micros(spent)))
            .exec(&self.inner)
            .await?;
        Ok(())
    }
}

impl Store {
    /// What every account of a kind spent and holds back, by runs that were admitted within `day`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn day_sums(
        &self,
        payer: Payer,
        day: Range<DateTime<Utc>>,
    ) -> Result<HashMap<Account, DaySum>, StoreError> {
        day_sums(&self.read, payer, None, day).await
    }
}

/// The sum of whole numbers, as one: PostgreSQL makes it a `numeric`.
pub(crate) fn total(of: Expr) -> Expr {
    Expr::from(Func::sum(of)).cast_as(Alias::new("bigint"))
}

async fn day_sums(
    connection: &impl ConnectionTrait,
    payer: Payer,
    names: Option<&[&str]>,
    day: Range<DateTime<Utc>>,
) -> Result<HashMap<Account, DaySum>, StoreError> {
    let column = match payer {
        Payer::Automation => run::Column::Automation,
        Payer::Repository => run::Column::Repository,
        Payer::Actor => run::Column::Actor,
    };
    let spent = || Expr::col(run::Column::Spent).add(Expr::col(run::Column::SpentNow));
    // The part of a reservation that is not spent yet, of runs that may still spend it.
    let held = CaseStatement::new()
        .case(Expr::col(run::Column::State).eq("done"), 0)
        .case(Expr::col(run::Column::Reserved).gt(spent()), Expr::col(run::Column::Reserved).sub(spent()))
        .finally(0);
    let mut query = run::Entity::find()
        .select_only()
        .column(column)
        .column_as(total(spent()), "spent")
        .column_as(total(held.into()), "held")
        .filter(run::Column::AdmittedAt.gte(day.start))
        .filter(run::Column::AdmittedAt.lt(day.end))
        .filter(column.is_not_null())
        .group_by(column);
    if let Some(names) = names {
        query = query.filter(column.is_in(names.iter().copied()));
    }
    let rows: Vec<(String, i64, i64)> = query.into_tuple().all(connection).await?;
    Ok(rows
        .into_iter()
        .map(|(name, spent, held)| ((payer, name), DaySum { spent: usd(spent), reserved: usd(held) }))
        .collect())
}
