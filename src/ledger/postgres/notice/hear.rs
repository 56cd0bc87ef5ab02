//! Hearing what others say, on a connection that is used for nothing else and made anew when it broke.
//! Knows nothing of what is said.

use std::cell::Cell;
use std::future::poll_fn;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tokio_postgres::{AsyncMessage, Client};

use super::message::{CHANNEL, Message};
use crate::ledger::postgres::error::Failure;
use crate::ledger::postgres::pool::Link;
use crate::ledger::postgres::thread::Core;

/// Between two tries to connect.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);
/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is asked whether the connection is still one.
const PROBE: Duration = Duration::from_secs(10);

/// Never returns: somebody who hears nothing looks by itself.
pub(super) async fn run(core: &Core) {
    let mut pause = FIRST;
    loop {
        let heard = Cell::new(false);
        listen(core, &heard).await;
        pause = if heard.get() { FIRST } else { (pause * 2).min(LONGEST) };
        sleep(pause.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
    }
}

/// Until the connection breaks; says whether anything could be heard on it.
async fn listen(core: &Core, heard: &Cell<bool>) {
    let Ok(Ok((client, connection))) = timeout(PATIENCE, core.pool.connect()).await else { return };
    tokio::select! {
        () = receive(core, connection) => {}
        () = keep(core, &client, heard) => {}
    }
}

/// Hears until nothing can come any more.
async fn receive(core: &Core, mut connection: Link) {
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if let AsyncMessage::Notification(notice) = message
            && let Some(message) = Message::heard(notice.payload(), core.notices.from)
        {
            core.notices.hear(message);
        }
    }
}

/// Listens, and asks now and then whether anybody is still there.
async fn keep(core: &Core, client: &Client, heard: &Cell<bool>) {
    if ask(client, &format!("LISTEN {CHANNEL}")).await.is_err() {
        return;
    }
    heard.set(true);
    core.notices.missed();
    while ask(client, "").await.is_ok() {
        sleep(PROBE).await;
    }
}

async fn ask(client: &Client, sql: &str) -> Result<(), Failure> {
    Ok(timeout(PATIENCE, client.batch_execute(sql)).await.map_err(|_elapsed| Failure::Slow(PATIENCE))??)
}
