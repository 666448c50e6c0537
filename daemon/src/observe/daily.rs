//! One line a day that says what the daemon did, so that a log of a quiet month still shows that it lived.

use std::time::Duration;

use crate::context::Shared;

const EVERY: Duration = Duration::from_secs(24 * 3600);

/// What was counted since the start.
#[derive(Clone, Copy, Default)]
struct Sums {
    messages: u64,
    pushes: u64,
    received: u64,
    requests: u64,
    logins: u64,
}

/// Runs until the daemon stops.
pub async fn run(context: Shared) {
    let mut shutdown = context.shutdown.clone();
    let mut before = Sums::default();
    loop {
        tokio::select! {
            () = shutdown.begun() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let now = Sums::of(&context);
        say(&context, before, now);
        before = now;
    }
}

fn say(context: &Shared, before: Sums, now: Sums) {
    let links = context.links.count();
    let memory_mib = super::machine::memory_bytes().unwrap_or_default() >> 20;
    log::info!(
        links,
        messages = now.messages - before.messages,
        pushes = now.pushes - before.pushes,
        received = now.received - before.received,
        logins = now.logins - before.logins,
        requests = now.requests - before.requests,
        memory_mib;
        "the last 24 hours"
    );
}

impl Sums {
    fn of(context: &Shared) -> Self {
        let metrics = &context.observer.metrics;
        Self {
            messages: metrics.messages.iter().map(|counter| counter.get()).sum(),
            pushes: metrics.pushes_accepted.get(),
            received: metrics.pushes_received.get(),
            requests: metrics.rest_requests.iter().flatten().map(|counter| counter.get()).sum(),
            logins: metrics.logins[0].get(),
        }
    }
}
