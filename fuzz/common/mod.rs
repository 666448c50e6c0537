//! A daemon in this process, for the targets that call it.

use anserd::config::{self, Flags};
use anserd::serve::Daemon;
use tokio::runtime::Runtime;

pub struct Served {
    pub runtime: Runtime,
    pub daemon: Daemon,
    pub folder: tempfile::TempDir,
}

pub fn serve() -> Served {
    let folder = tempfile::tempdir().expect("a folder");
    let flags =
        Flags { data_dir: Some(folder.path().to_owned()), listen: vec!["127.0.0.1:0".to_owned()], ..Flags::default() };
    let mut config = config::read(&flags, std::iter::empty()).expect("valid settings");
    config.password = config::Password { memory_kib: 8, passes: 1, lanes: 1, at_once: 1 };
    let runtime = Runtime::new().expect("a runtime");
    let daemon = runtime.block_on(Daemon::start(config)).expect("the daemon starts");
    Served { runtime, daemon, folder }
}

/// The path of a route with its parameters filled in, of which `known` has some, and the query behind it.
pub fn path(pattern: &str, known: &[(&str, &str)], given: &str) -> String {
    let mut values = given.split(' ');
    let mut path = String::new();
    for segment in pattern.split('/').skip(1) {
        path.push('/');
        path.push_str(match known.iter().find(|(name, _)| *name == segment) {
            Some((_, value)) => value,
            None if segment.starts_with('{') => values.next().unwrap_or("x"),
            None => segment,
        });
    }
    match values.next() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    }
}

/// The line with parameters and query, and the body behind it.
pub fn line_and_body(input: &[u8]) -> Option<(&str, Vec<u8>)> {
    let line = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let given = str::from_utf8(&input[..line]).ok()?;
    Some((given, input.get(line + 1..).unwrap_or_default().to_vec()))
}
