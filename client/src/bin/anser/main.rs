//! The command `anser`: register, send, listen and chat from a terminal, and put load on a server.

mod bench;
mod chat;
mod connection;
mod devices;
mod failure;
mod group;
mod group_more;
mod labels;
mod lines;
mod listen;
mod manual;
mod media;
mod mobile;
mod options;
mod people;
mod push_stop;
mod read;
mod register;
mod roaming;
mod room;
mod send;
mod signals;
mod state;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::failure::Failure;
use self::options::Global;

#[derive(Parser)]
#[command(
    name = "anser",
    version,
    about = "A client of an Anser server: push and chat from the command line",
    after_help = "Examples:
  export ANSER_SERVER=localhost:8443 ANSER_CA=demo/ca.pem ANSER_APP_KEY=…
  anser register alice --password secret1
  anser listen --user bob --password secret2
  anser send --user alice --password secret1 --to bob --text 'Hello, Bob'

Exit codes: 0 done, 1 it failed (the reason is on standard error), 2 the command line is wrong."
)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Register(register::Register),
    Send(Box<send::Send>),
    Listen(listen::Listen),
    Chat(chat::Chat),
    Tags(labels::Tags),
    Alias(labels::Alias),
    Mobile(mobile::Mobile),
    Stop(push_stop::Stop),
    Resume(push_stop::Resume),
    Group(group::Group),
    People(people::People),
    Devices(devices::Devices),
    Read(read::Read),
    Unread(read::Unread),
    Readers(read::Readers),
    Upload(media::Upload),
    Download(media::Download),
    Room(room::Room),
    Bench(bench::Bench),
    #[command(hide = true)]
    Manual(manual::Manual),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::new(format!("cannot start: {error}")).exit(),
    };
    let done = runtime.block_on(run(cli));
    // A thread that waits for a line on standard input must not keep the process.
    runtime.shutdown_background();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.exit(),
    }
}

async fn run(cli: Cli) -> Result<(), Failure> {
    let global = cli.global;
    match cli.command {
        Command::Register(command) => command.run(&global).await,
        Command::Send(command) => command.run(&global).await,
        Command::Listen(command) => command.run(&global).await,
        Command::Chat(command) => command.run(&global).await,
        Command::Tags(command) => command.run(&global).await,
        Command::Alias(command) => command.run(&global).await,
        Command::Mobile(command) => command.run(&global).await,
        Command::Stop(command) => command.run(&global),
        Command::Resume(command) => command.run(&global),
        Command::Group(command) => command.run(&global).await,
        Command::People(command) => command.run(&global).await,
        Command::Devices(command) => command.run(&global).await,
        Command::Read(command) => command.run(&global).await,
        Command::Unread(command) => command.run(&global).await,
        Command::Readers(command) => command.run(&global).await,
        Command::Upload(command) => command.run(&global).await,
        Command::Download(command) => command.run(&global).await,
        Command::Room(command) => command.run(&global).await,
        Command::Bench(command) => command.run(&global).await,
        Command::Manual(command) => command.run(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
