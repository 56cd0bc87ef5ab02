//! Sends a sample over HTTP, as any sender would, and waits for its outcome.
//! Knows nothing of the service but its HTTP face.

use std::time::{Duration, Instant};

use actix_web::rt::time::sleep;
use awc::ClientRequest;
use awc::http::header::{ACCEPT, CONTENT_TYPE};
use serde_json::Value;

use super::samples::{Answer, Sample, Told};
use super::stage::Scene;

const TIMEOUT: Duration = Duration::from_secs(5);
/// For an outcome; without faults it takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A sender of samples.
pub(super) struct Client {
    http: awc::Client,
    events: String,
    token: String,
}

impl Client {
    /// Sends to the service of `scene`.
    pub(super) fn new(scene: &Scene) -> Self {
        let http = awc::Client::builder().timeout(TIMEOUT).finish();
        Self { http, events: format!("http://{}/v1/events", scene.listen), token: scene.token.clone() }
    }

    /// Sends a sample and says what came of it.
    pub(super) async fn send(&self, sample: Sample) -> Told {
        let began = Instant::now();
        match self.outcome(sample.body, began).await {
            Ok(answer) => sample.told(&answer, began.elapsed()),
            Err(why) => sample.untold(why, began.elapsed()),
        }
    }

    async fn outcome(&self, body: &'static str, began: Instant) -> Result<Answer, String> {
        let request = self.http.post(&self.events).insert_header((CONTENT_TYPE, "application/json"));
        let mut answer = self.answer(request, body).await?;
        let id = answer.body["id"].as_str().unwrap_or_default().to_owned();
        while answer.is_pending() && began.elapsed() < PATIENCE {
            sleep(LOOK_EVERY).await;
            let now = self.answer(self.http.get(format!("{}/{id}", self.events)), "").await?;
            // The status and the repeat flag are those of the POST; what became of the event is new.
            answer.body = now.body;
        }
        Ok(answer)
    }

    async fn answer(&self, request: ClientRequest, body: &'static str) -> Result<Answer, String> {
        let request = request.bearer_auth(&self.token).insert_header((ACCEPT, "application/json"));
        let mut response = request.send_body(body).await.map_err(|error| error.to_string())?;
        let replayed = response.headers().get("Idempotent-Replayed").is_some_and(|value| value == "true");
        let status = response.status().as_u16();
        let bytes = response.body().await.map_err(|error| error.to_string())?;
        let body: Value =
            serde_json::from_slice(&bytes).map_err(|error| format!("{status}, but its body is not JSON: {error}"))?;
        Ok(Answer { status, replayed, body })
    }
}
