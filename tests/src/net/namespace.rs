//! A network of its own for some threads. It has no name, so nothing is left of it when the test ends, however it ends.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::panic::resume_unwind;
use std::process::{Child, Command, Stdio};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::runtime::{Builder, Runtime};

/// A network namespace. Sockets belong to that of the thread that opens them, and processes to that of their parent.
#[derive(Debug)]
pub struct Namespace {
    file: File,
    /// Gives the namespace a process id. It ends when its standard input does, which is when this process is gone.
    holder: Child,
}

impl Namespace {
    pub fn new() -> io::Result<Self> {
        let mut holder = Command::new("unshare")
            .args(["--net", "cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| io::Error::other(format!("unshare does not start: {error}")))?;
        match wait_for_echo(&mut holder).and_then(|()| File::open(format!("/proc/{}/ns/net", holder.id()))) {
            Ok(file) => Ok(Self { file, holder }),
            Err(error) => {
                end(&mut holder);
                Err(error)
            }
        }
    }

    /// The process by which other programs can name it.
    pub fn process_id(&self) -> u32 {
        self.holder.id()
    }

    /// Does something on a thread of this namespace.
    pub fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> io::Result<T> {
        let entered = || {
            move_into_link_name_space(self.file.as_fd(), Some(LinkNameSpaceType::Network))?;
            Ok(work())
        };
        std::thread::scope(|scope| scope.spawn(entered).join().unwrap_or_else(|panic| resume_unwind(panic)))
    }

    /// A runtime, all threads of which are in this namespace.
    pub fn runtime(&self) -> io::Result<Runtime> {
        self.within(|| Builder::new_multi_thread().worker_threads(1).enable_all().build())?
    }

    /// Runs a program to its end.
    pub fn run<S: AsRef<OsStr> + Sync>(&self, program: &str, args: &[S]) -> io::Result<()> {
        let output = self
            .within(|| Command::new(program).args(args).output())?
            .map_err(|error| io::Error::other(format!("{program} does not start: {error}")))?;
        if output.status.success() {
            return Ok(());
        }
        let args: Vec<_> = args.iter().map(|arg| arg.as_ref().to_string_lossy()).collect();
        let told = String::from_utf8_lossy(&output.stderr);
        Err(io::Error::other(format!("{program} {} failed: {}", args.join(" "), told.trim())))
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        end(&mut self.holder);
    }
}

/// `cat` answers only once it runs, and it runs in the new namespace.
fn wait_for_echo(holder: &mut Child) -> io::Result<()> {
    let (Some(input), Some(output)) = (&mut holder.stdin, &mut holder.stdout) else {
        return Err(io::Error::other("pipes were asked for"));
    };
    // When it has failed already it says why below.
    let _ = input.write_all(b"\n");
    let mut line = String::new();
    if BufReader::new(output).read_line(&mut line)? > 0 {
        return Ok(());
    }
    let mut told = String::new();
    if let Some(errors) = &mut holder.stderr {
        errors.read_to_string(&mut told)?;
    }
    Err(io::Error::other(told.trim().to_owned()))
}

fn end(holder: &mut Child) {
    // It may have ended by itself.
    let _ = holder.kill();
    let _ = holder.wait();
}
