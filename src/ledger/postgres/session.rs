//! A connection, which gives names to the statements that come again where its address allows it: the database compiles
//! those once. Knows nothing of what they say.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::try_join_all;
use tokio::task::JoinHandle;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row, Statement};

use super::pool::Link;

/// A value for a statement, and its type in the database.
pub(super) type Param<'a> = (&'a (dyn ToSql + Sync), Type);

/// More than there are of ours.
const MOST: usize = 128;
/// A plan for all values, since ours differ in nothing that a plan depends on; and machine code is not worth its making.
const PLANS: &str = "SET plan_cache_mode = force_generic_plan; SET jit = off";

pub(super) struct Session {
    client: Client,
    link: JoinHandle<()>,
    /// Nothing where the statements are to go whole.
    names: Option<Mutex<Names>>,
}

/// The statements of a session by their texts.
#[derive(Default)]
struct Names {
    known: HashMap<String, Statement>,
    met: HashMap<String, Met>,
}

/// One without a name.
struct Met {
    types: Vec<Type>,
    again: bool,
}

impl Session {
    pub(super) async fn new(client: Client, link: Link, prepared: bool) -> Result<Self, Error> {
        let link = tokio::spawn(async move { drop(link.await) });
        let session = Self { client, link, names: prepared.then(Mutex::default) };
        if prepared {
            session.client.batch_execute(PLANS).await?;
        }
        Ok(session)
    }

    /// Names what came again. A name costs a trip: among statements that are sent one behind the other, one that waited for
    /// its name would go too late. So this is done before anything is asked.
    pub(super) async fn learn(&self) -> Result<(), Error> {
        let Some(names) = &self.names else { return Ok(()) };
        let wanted = locked(names).wanted();
        let prepared = wanted.iter().map(|(text, types)| self.client.prepare_typed(text, types));
        let prepared = try_join_all(prepared).await?;
        locked(names).known.extend(wanted.into_iter().map(|(text, _)| text).zip(prepared));
        Ok(())
    }

    /// Like that of [`Client`], by name where it has one.
    pub(super) async fn query_typed(&self, text: &str, params: &[Param<'_>]) -> Result<Vec<Row>, Error> {
        match self.named(text, params) {
            Some(statement) => self.client.query(&statement, &values(params)).await,
            None => self.client.query_typed(text, params).await,
        }
    }

    /// Like that of [`Client`], by name where it has one.
    pub(super) async fn query_typed_one(&self, text: &str, params: &[Param<'_>]) -> Result<Row, Error> {
        match self.named(text, params) {
            Some(statement) => self.client.query_one(&statement, &values(params)).await,
            None => self.client.query_typed_one(text, params).await,
        }
    }

    /// Like that of [`Client`], by name where it has one.
    pub(super) async fn execute_typed(&self, text: &str, params: &[Param<'_>]) -> Result<u64, Error> {
        match self.named(text, params) {
            Some(statement) => self.client.execute(&statement, &values(params)).await,
            None => self.client.execute_typed(text, params).await,
        }
    }

    fn named(&self, text: &str, params: &[Param<'_>]) -> Option<Statement> {
        let mut names = locked(self.names.as_ref()?);
        let known = names.known.get(text).cloned();
        if known.is_none() {
            names.meet(text, params);
        }
        known
    }
}

impl Names {
    fn meet(&mut self, text: &str, params: &[Param<'_>]) {
        if let Some(met) = self.met.get_mut(text) {
            met.again = true;
        } else if self.met.len() < MOST {
            let types = params.iter().map(|(_, kind)| kind.clone()).collect();
            self.met.insert(text.to_owned(), Met { types, again: false });
        }
    }

    fn wanted(&mut self) -> Vec<(String, Vec<Type>)> {
        self.met.extract_if(|_, met| met.again).map(|(text, met)| (text, met.types)).collect()
    }
}

fn locked(names: &Mutex<Names>) -> MutexGuard<'_, Names> {
    names.lock().unwrap_or_else(PoisonError::into_inner)
}

fn values<'a>(params: &[Param<'a>]) -> Vec<&'a (dyn ToSql + Sync)> {
    params.iter().map(|(value, _)| *value).collect()
}

impl Deref for Session {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Session {
    /// What is under way ends with it.
    fn drop(&mut self) {
        self.link.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_that_came_again_is_wanted_once() {
        let mut names = Names::default();
        names.meet("SELECT $1", &[(&1, Type::INT8)]);
        names.meet("SELECT 2", &[]);
        assert!(names.wanted().is_empty());
        names.meet("SELECT $1", &[(&1, Type::INT8)]);
        assert_eq!(names.wanted(), [("SELECT $1".to_owned(), vec![Type::INT8])]);
        assert!(names.wanted().is_empty());
    }

    #[test]
    fn statements_that_are_never_the_same_do_not_fill_the_memory() {
        let mut names = Names::default();
        (0..2 * MOST).for_each(|number| names.meet(&format!("SELECT {number}"), &[]));
        assert_eq!(names.met.len(), MOST);
    }
}
