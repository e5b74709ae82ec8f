//! `GET /api/events`: what changes, as it changes; whoever was away gets what came since, without a gap.

use std::{collections::VecDeque, convert::Infallible, path::PathBuf, sync::Arc, time::Duration};

use axum::{
    extract::{Query, State},
    http::HeaderMap,
    response::{
        IntoResponse, Response,
        sse::{Event as SseEvent, KeepAlive, Sse},
    },
};
use futures_util::stream;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;
use utoipa::IntoParams;

use super::{
    app::App,
    blocking::in_place,
    jobs::{detail, follow::Follower, log::LogFollower},
    refusal::{Answer, RefusalBody},
};

/// Lines of metrics in one event at most.
const BATCH: usize = 1000;
/// Pause between two looks at a job's files.
const PAUSE: Duration = Duration::from_millis(100);

/// What is asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
pub(crate) struct EventsQuery {
    /// As `Last-Event-ID`, or a list's `cursor`.
    after: Option<String>,
    /// Also the metrics and the log of this job.
    job: Option<String>,
    /// The job's `Metrics.cursor`: its metrics from there on.
    from: Option<String>,
    /// The job's `LogLines.cursor`: its log from there on.
    log: Option<String>,
}

/// The job that a stream follows.
struct Followed {
    id: String,
    folder: PathBuf,
    metrics: Follower,
    log: LogFollower,
    /// The last `detail`, so that it is sent only when it changes.
    detail: String,
}

struct Stream {
    app: Arc<App>,
    /// The number of the last bus event that was sent.
    seen: u64,
    grown: watch::Receiver<u64>,
    followed: Option<Followed>,
    waiting: VecDeque<SseEvent>,
}

/// The event stream.
#[utoipa::path(get, path = "/api/events", tag = "program", params(EventsQuery),
    responses((status = 200, body = String, content_type = "text/event-stream"), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn events(
    State(app): State<Arc<App>>,
    Query(query): Query<EventsQuery>,
    headers: HeaderMap,
) -> Answer<Response> {
    let given = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(String::from);
    let place = given.or(query.after).unwrap_or_default();
    // `boot.number` or `boot.number!metrics!log`
    let mut words = place.split('!');
    let (list, metrics, log) = (words.next().unwrap_or_default(), words.next(), words.next());
    let number =
        list.rsplit_once('.').filter(|(boot, _)| *boot == app.bus.boot()).and_then(|(_, number)| number.parse().ok());
    let mut waiting = VecDeque::new();
    let mut seen = app.bus.last();
    if !list.is_empty() {
        match number.filter(|number| app.bus.since(*number).is_some()) {
            Some(number) => seen = number,
            None => waiting.push_back(SseEvent::default().id(app.bus.cursor()).event("reset").data("{}")),
        }
    }
    let followed = query.job.and_then(|id| {
        in_place(|| {
            let folder = app.jobs.folder(&id)?;
            let mut follower = Follower::of(&folder);
            let known = metrics.filter(|_| number.is_some()).or(query.from.as_deref());
            if known.is_none_or(|place| !follower.go_to(place)) && known.is_some() {
                let epoch = app.jobs.summary(&id).map_or(0.0, |job| job.epoch);
                let body = json!({"job": id, "epoch": epoch});
                waiting.push_back(SseEvent::default().event("rewound").data(body.to_string()));
            }
            let log = LogFollower::of(&folder, log.filter(|_| number.is_some()).or(query.log.as_deref()));
            Some(Followed { id, folder, metrics: follower, log, detail: String::new() })
        })
    });
    let grown = app.bus.watch();
    let stream = Stream { app, seen, grown, followed, waiting };
    let events = stream::unfold(stream, |mut stream| async move {
        let event = stream.next().await;
        Some((Ok::<_, Infallible>(event), stream))
    });
    let keep = KeepAlive::new().interval(Duration::from_secs(15)).text("");
    let mut reply = Sse::new(events).keep_alive(keep).into_response();
    // Proxies that gather replies would hold events back.
    reply.headers_mut().insert("x-accel-buffering", axum::http::HeaderValue::from_static("no"));
    Ok(reply)
}

impl Stream {
    async fn next(&mut self) -> SseEvent {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return event;
            }
            if self.followed.is_some() {
                // Files are read: the other streams must not wait for the disk.
                in_place(|| self.gather());
            } else {
                self.gather();
            }
            if !self.waiting.is_empty() {
                continue;
            }
            if self.followed.is_some() {
                let _ = tokio::time::timeout(PAUSE, self.grown.changed()).await;
                tokio::time::sleep(PAUSE / 4).await;
            } else if self.grown.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    fn id(&self) -> String {
        let list = format!("{}.{}", self.app.bus.boot(), self.seen);
        match &self.followed {
            Some(job) => format!("{list}!{}!{}", job.metrics.place(), job.log.place()),
            None => list,
        }
    }

    fn push(&mut self, name: &str, data: &str) {
        let event = SseEvent::default().id(self.id()).event(name).data(data);
        self.waiting.push_back(event);
    }

    fn gather(&mut self) {
        let mut row_is_new = false;
        match self.app.bus.since(self.seen) {
            Some(news) => {
                for event in news {
                    self.seen = event.number;
                    self.push(event.name, &event.data);
                    // Which snapshot is the best stands in the row, which comes a moment after the line of the metrics.
                    row_is_new |=
                        event.name == "job" && self.followed.as_ref().is_some_and(|job| job.id == event.about);
                }
            }
            None => {
                self.seen = self.app.bus.last();
                self.push("reset", "{}");
                row_is_new = true;
            }
        }
        self.metrics(row_is_new);
        self.log();
    }

    fn metrics(&mut self, row_is_new: bool) {
        let Some(job) = &mut self.followed else { return };
        let Ok(news) = job.metrics.read() else { return };
        let id = job.id.clone();
        if news.rewound {
            let epoch = news.events.last().map_or(0.0, |(event, _)| event.epoch);
            // Without an id: the place that the stream has now lies behind lines that are not sent yet.
            let data = json!({"job": id, "epoch": epoch}).to_string();
            self.waiting.push_back(SseEvent::default().event("rewound").data(data));
        }
        let is_new = news.rewound || !news.events.is_empty();
        let lines: Vec<Value> = news
            .events
            .iter()
            .map(|(event, seconds)| {
                let mut line = serde_json::to_value(event).unwrap_or_default();
                line["seconds"] = (*seconds).into();
                line
            })
            .collect();
        // The place in the id is that behind all lines: only the last batch may carry it.
        let batches = lines.len().div_ceil(BATCH);
        for (i, batch) in lines.chunks(BATCH).enumerate() {
            let data = json!({"job": id, "events": batch}).to_string();
            if i + 1 == batches {
                self.push("metrics", &data);
            } else {
                self.waiting.push_back(SseEvent::default().event("metrics").data(data));
            }
        }
        if is_new || row_is_new || self.followed.as_ref().is_some_and(|job| job.detail.is_empty()) {
            self.detail(&id);
        }
    }

    fn detail(&mut self, id: &str) {
        let detail = detail::changing(&self.app, id);
        let Some(job) = &mut self.followed else { return };
        if job.detail != detail {
            job.detail.clone_from(&detail);
            if !detail.is_empty() {
                self.push("detail", &detail);
            }
        }
    }

    fn log(&mut self) {
        let Some(job) = &mut self.followed else { return };
        let Some((first, lines)) = job.log.read(&job.folder) else { return };
        let data = json!({"job": job.id, "first": first, "lines": lines}).to_string();
        self.push("log", &data);
    }
}
