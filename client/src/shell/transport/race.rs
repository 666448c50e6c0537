//! Candidates that start one after another until one succeeds.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// Starts each candidate at its time, or as soon as all before it have failed. The first success wins and ends the others;
/// else every failure.
pub(super) async fn race<T, E, F>(candidates: Vec<(Duration, F)>) -> Result<T, Vec<E>>
where
    T: Send + 'static,
    E: Send + 'static,
    F: Future<Output = Result<T, E>> + Send + 'static,
{
    let begun = Instant::now();
    let mut running = JoinSet::new();
    let mut failures = Vec::new();
    let mut waiting = candidates.into_iter().peekable();
    loop {
        let start = waiting.peek().map(|(start, _)| begun + *start);
        tokio::select! {
            biased;
            Some(ended) = running.join_next() => match ended {
                Ok(Ok(winner)) => return Ok(winner),
                Ok(Err(failure)) => failures.push(failure),
                // A candidate that panicked is one that failed.
                Err(_) => {}
            },
            () = sleep_until(start.unwrap_or(begun)), if start.is_some() && !running.is_empty() => {
                running.extend(waiting.next().map(|(_, candidate)| candidate));
            }
            else => match waiting.next() {
                Some((_, candidate)) => running.extend([candidate]),
                None => return Err(failures),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use super::*;

    type Candidate = Pin<Box<dyn Future<Output = Result<&'static str, &'static str>> + Send>>;

    fn after(start: u64, takes: u64, result: Result<&'static str, &'static str>) -> (Duration, Candidate) {
        let run = async move {
            tokio::time::sleep(Duration::from_millis(takes)).await;
            result
        };
        (Duration::from_millis(start), Box::pin(run))
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_to_succeed_wins() {
        let begun = Instant::now();
        let won = race(vec![after(0, 1000, Ok("slow")), after(250, 100, Ok("quick"))]).await;
        assert_eq!(won, Ok("quick"));
        assert_eq!(begun.elapsed().as_millis(), 350);
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_does_not_wait_for_its_time_when_all_before_have_failed() {
        let begun = Instant::now();
        let won =
            race(vec![after(0, 10, Err("refused")), after(250, 10, Err("too")), after(1000, 10, Ok("last"))]).await;
        assert_eq!(won, Ok("last"));
        assert!(begun.elapsed().as_millis() < 100);
    }

    #[tokio::test(start_paused = true)]
    async fn when_none_succeeds_every_failure_is_told() {
        let lost = race(vec![after(0, 300, Err("one")), after(250, 10, Err("two"))]).await;
        assert_eq!(lost, Err(vec!["two", "one"]));
    }
}
