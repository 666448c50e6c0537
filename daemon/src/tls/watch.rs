//! The job that looks after the certificate: the operator's files are read again soon after another program renewed
//! them, and a self-made certificate is made anew long before it ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Certificates;
use crate::context::Shared;

/// Each look asks for the times of two files.
const LOOK_EVERY: Duration = Duration::from_secs(20);
/// Long before a self-made certificate ends.
const RENEW_EVERY: Duration = Duration::from_secs(24 * 3600);

/// Runs until the daemon stops.
pub async fn run(certificates: Arc<Certificates>, context: Shared) {
    let mut shutdown = context.shutdown.clone();
    let mut renewed = Instant::now();
    loop {
        tokio::select! {
            () = shutdown.begun() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        if renewed.elapsed() >= RENEW_EVERY {
            renewed = Instant::now();
            if let Err(error) = tokio::task::block_in_place(|| certificates.renew()) {
                log::error!("the certificate could not be renewed, the old one stays: {error}");
            }
        }
        match tokio::task::block_in_place(|| certificates.look()) {
            Ok(false) => {}
            Ok(true) => log::info!("the certificate's files were changed and are read again"),
            Err(error) => log::error!("the certificate's files were changed, the old one stays: {error}"),
        }
    }
}
