//! `anserd doctor`

use std::path::PathBuf;

use clap::Args;

use super::{Failure, print_json};
use crate::admin::{self, Reply, Request, Status};
use crate::config::{self, Flags};
use crate::doctor::{Finding, Surroundings, Verdict, examine};

#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// The settings file [default: /etc/anser/anserd.toml, if it exists]
    #[arg(long, value_name = "FILE", env = "ANSER_CONFIG")]
    config: Option<PathBuf>,
    /// The folder that holds everything
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// An address with port that the daemon is to listen on; may be repeated
    #[arg(long, value_name = "ADDR")]
    listen: Vec<String>,
    /// Prints one JSON array
    #[arg(long)]
    json: bool,
}

pub fn run(args: &DoctorArgs) -> Result<(), Failure> {
    let flags = Flags { config: args.config.clone(), data_dir: args.data_dir.clone(), listen: args.listen.clone() };
    let findings = match config::read(&flags, super::environment()) {
        Ok(config) => examine(&config, running(&config).as_ref(), &Surroundings::real()),
        Err(mistakes) => {
            let told = |mistake: &config::Mistake| Finding::fail("settings", &mistake.what, &mistake.allowed);
            mistakes.iter().map(told).collect()
        }
    };
    if args.json {
        print_json(&findings);
    } else {
        findings.iter().for_each(print);
    }
    let failed = findings.iter().filter(|finding| finding.verdict == Verdict::Fail).count();
    match failed {
        0 => Ok(()),
        1 => Err(Failure::new("anserd: one check failed".to_owned())),
        count => Err(Failure::new(format!("anserd: {count} checks failed"))),
    }
}

fn running(config: &config::Config) -> Option<Status> {
    match admin::ask(&config.data_dir.join(admin::SOCKET), &Request::Status) {
        Ok(Reply::Status(status)) => Some(*status),
        _ => None,
    }
}

fn print(finding: &Finding) {
    let Finding { check, verdict, text, cure } = finding;
    let word = match verdict {
        Verdict::Ok => "OK  ",
        Verdict::Warn => "WARN",
        Verdict::Fail => "FAIL",
    };
    println!("{word} {check:<16} {text}");
    if !cure.is_empty() {
        println!("     {:<16} -> {cure}", "");
    }
}
