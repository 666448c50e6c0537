//! Candidates that start one after another until one succeeds.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// Starts each candidate at its time, or as soon as all before it have failed. The first success wins and ends the others;
/// else every failure. The last one that has not failed gets `grace`: a silence is no answer that is worth a long wait where
/// all others were told no.
pub(super) async fn race<T, E, F>(candidates: Vec<(Duration, F)>, grace: Duration) -> Result<T, Vec<E>>
where
    T: Send + 'static,
    E: Send + 'static,
    F: Future<Output = Result<T, E>> + Send + 'static,
{
    let begun = Instant::now();
    let mut running = JoinSet::new();
    let mut failures = Vec::new();
    let mut waiting = candidates.into_iter().peekable();
    let mut end = None;
    loop {
        let start = waiting.peek().map(|(start, _)| begun + *start);
        if start.is_none() && running.len() == 1 && !failures.is_empty() && end.is_none() {
            end = Some(Instant::now() + grace);
        }
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
            () = sleep_until(end.unwrap_or(begun)), if end.is_some() && !running.is_empty() => return Err(failures),
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

    const GRACE: Duration = Duration::from_secs(2);

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
        let won = race(vec![after(0, 1000, Ok("slow")), after(250, 100, Ok("quick"))], GRACE).await;
        assert_eq!(won, Ok("quick"));
        assert_eq!(begun.elapsed().as_millis(), 350);
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_does_not_wait_for_its_time_when_all_before_have_failed() {
        let begun = Instant::now();
        let candidates = vec![after(0, 10, Err("refused")), after(250, 10, Err("too")), after(1000, 10, Ok("last"))];
        let won = race(candidates, GRACE).await;
        assert_eq!(won, Ok("last"));
        assert!(begun.elapsed().as_millis() < 100);
    }

    #[tokio::test(start_paused = true)]
    async fn when_none_succeeds_every_failure_is_told() {
        let lost = race(vec![after(0, 300, Err("one")), after(250, 10, Err("two"))], GRACE).await;
        assert_eq!(lost, Err(vec!["two", "one"]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_candidate_is_waited_for_when_one_was_refused_and_another_is_silent() {
        let candidates =
            vec![after(0, 60_000, Ok("silent")), after(250, 10, Err("refused")), after(1000, 5000, Ok("slow"))];
        assert_eq!(race(candidates, GRACE).await, Ok("slow"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_candidate_is_not_waited_for_long_when_the_others_have_failed() {
        let begun = Instant::now();
        let lost = race(vec![after(0, 60_000, Ok("silent")), after(250, 10, Err("refused"))], GRACE).await;
        assert_eq!(lost, Err(vec!["refused"]));
        assert_eq!(begun.elapsed().as_millis(), 260 + GRACE.as_millis());
    }
}
