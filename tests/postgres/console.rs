//! SQL from a test, in a thread of its own, so that whoever asks may be inside a runtime or not.

use std::sync::mpsc::{self, Sender, SyncSender};
use std::thread;

use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

pub type Rows = Vec<Vec<Option<String>>>;

/// A connection that asks and waits.
pub struct Console(Sender<(String, SyncSender<Result<Rows, String>>)>);

impl Console {
    #[track_caller]
    pub fn open(url: &str) -> Self {
        Self::try_open(url).unwrap_or_else(|| panic!("no connection to {url}"))
    }

    pub fn try_open(url: &str) -> Option<Self> {
        let url = url.to_owned();
        let (ask, asked) = mpsc::channel::<(String, SyncSender<_>)>();
        let (opened, was_opened) = mpsc::sync_channel(1);
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let connected = runtime.block_on(connect(&url));
            let _ = opened.send(connected.is_some());
            let Some(client) = connected else { return };
            for (sql, answer) in asked {
                let _ = answer.send(runtime.block_on(rows(&client, &sql)));
            }
        });
        was_opened.recv().unwrap().then_some(Self(ask))
    }

    /// All rows of all statements, as text.
    pub fn try_run(&self, sql: &str) -> Result<Rows, String> {
        let (answer, answered) = mpsc::sync_channel(1);
        self.0.send((sql.to_owned(), answer)).unwrap();
        answered.recv().unwrap()
    }

    #[track_caller]
    pub fn run(&self, sql: &str) -> Rows {
        self.try_run(sql).unwrap_or_else(|error| panic!("{error}: {sql}"))
    }
}

async fn connect(url: &str) -> Option<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.ok()?;
    tokio::spawn(connection);
    Some(client)
}

async fn rows(client: &Client, sql: &str) -> Result<Rows, String> {
    let said = client.simple_query(sql).await.map_err(|error| format!("{error:?}"))?;
    let rows = said.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|n| row.get(n).map(str::to_owned)).collect()),
        _ => None,
    });
    Ok(rows.collect())
}
