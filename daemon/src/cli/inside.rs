//! `anserd metrics`, `anserd trace` and `anserd log-level`

use clap::Args;

use super::{AdminArgs, Failure, print_json, strange};
use crate::admin::{Reply, Request};
use crate::clock::Written;
use crate::config::TimeZone;
use crate::trace::{Steps, Traced, TracedDevice, TracedMessage, TracedPush};

#[derive(Debug, Args)]
pub struct MetricsArgs {
    #[command(flatten)]
    admin: AdminArgs,
}

#[derive(Debug, Args)]
pub struct TraceArgs {
    /// The msg_id of a push or a message
    msg_id: u64,
    /// Tells of this device, by its registration id: why did it not get the push?
    #[arg(long, value_name = "REGISTRATION_ID")]
    device: Option<String>,
    /// Looks in this app only, by name or key
    #[arg(long)]
    app: Option<String>,
    #[command(flatten)]
    admin: AdminArgs,
}

#[derive(Debug, Args)]
pub struct LogLevelArgs {
    /// off, error, warn, info, debug or trace, for all or for one module (link=debug); nothing shows what holds
    #[arg(value_name = "[MODULE=]LEVEL")]
    change: Option<String>,
    #[command(flatten)]
    admin: AdminArgs,
}

pub fn metrics(args: &MetricsArgs) -> Result<(), Failure> {
    let Reply::Metrics(text) = args.admin.ask(&Request::Metrics)? else { return Err(strange()) };
    if args.admin.json {
        print_json(&text);
    } else {
        print!("{text}");
    }
    Ok(())
}

pub fn log_level(args: &LogLevelArgs) -> Result<(), Failure> {
    let reply = args.admin.ask(&Request::LogLevel { change: args.change.clone() })?;
    let Reply::LogLevels(levels) = reply else { return Err(strange()) };
    if args.admin.json {
        print_json(&levels);
    } else {
        println!("{}", levels.join(" "));
    }
    Ok(())
}

pub fn trace(args: &TraceArgs) -> Result<(), Failure> {
    let request = Request::Trace { msg_id: args.msg_id, app: args.app.clone(), device: args.device.clone() };
    let Reply::Traced(traced) = args.admin.ask(&request)? else { return Err(strange()) };
    if args.admin.json {
        print_json(&traced);
        return Ok(());
    }
    match &traced {
        Traced::Push(push) => print_push(push),
        Traced::Message(message) => print_message(message),
        Traced::GroupPush { msg_id, group_key, pushes } => {
            println!("push {msg_id} to the app group {group_key} became one push in each of its apps:");
            pushes.iter().for_each(|(app, push)| println!("  anserd trace {push}   ({app})"));
        }
    }
    Ok(())
}

fn print_push(push: &TracedPush) {
    let platforms: Vec<_> = push.platforms.iter().map(|(name, count)| format!("{name} {count}")).collect();
    println!("push {} of {} ({})", push.msg_id, push.app, push.app_key);
    println!("accepted   {}", moment(push.accepted_ms));
    println!("on disk    {}", push.stored_ms.map_or("before it was answered".to_owned(), moment));
    println!("chosen     {} devices: {}", push.chosen, platforms.join(", "));
    let Steps { sent, received, shown, clicked, bridged, texted } = push.counts;
    println!("sent       {sent} connected at release; received {received}, shown {shown}, clicked {clicked}");
    println!("elsewhere  bridged {bridged}, by text message {texted}");
    println!("state      {}", push.state);
    println!("times      {}", push.times);
    for (device, times) in &push.deliveries {
        println!("  {device}  {}", written(times));
    }
    if let Some(device) = &push.device {
        print_device(device);
    }
}

fn print_device(device: &TracedDevice) {
    println!();
    let connected = if device.is_connected { "connected" } else { "away" };
    println!("device {} ({}, {connected} now)", device.registration_id, device.platform);
    let Steps { sent, received, shown, clicked, bridged, texted } = device.steps;
    let steps = [
        ("sent", sent),
        ("received", received),
        ("shown", shown),
        ("clicked", clicked),
        ("bridged", bridged),
        ("texted", texted),
    ];
    let done: Vec<_> = steps.iter().filter(|(_, done)| *done).map(|(step, _)| *step).collect();
    println!("  steps    {}", if done.is_empty() { "none".to_owned() } else { done.join(", ") });
    match device.source.as_str() {
        "bits" => println!("  times    none: the stored bits say what but not when"),
        "exact_few" => println!("  times    {} (exact: a push to few)", written(&device.times)),
        _ => println!("  times    {} (exact: among the last deliveries)", written(&device.times)),
    }
    println!("  {}", device.why);
}

fn print_message(message: &TracedMessage) {
    println!("message {} of {} ({})", message.msg_id, message.app, message.app_key);
    println!("accepted   {}, and on disk before it was answered", moment(message.accepted_ms));
    let by = message.platform.as_ref().map_or("by the app's server".to_owned(), |platform| format!("from {platform}"));
    println!("from       {} {by}", message.from);
    println!("to         {}", message.to);
    println!("state      {}", message.state);
}

fn written(times: &Steps<Option<u64>>) -> String {
    let Steps { sent, received, shown, clicked, bridged, .. } = *times;
    let steps = [("sent", sent), ("received", received), ("shown", shown), ("clicked", clicked), ("bridged", bridged)];
    let known = steps.into_iter().filter_map(|(step, at_ms)| Some(format!("{step} {}", moment(at_ms?))));
    known.collect::<Vec<_>>().join(", ")
}

fn moment(at_ms: u64) -> String {
    format!("{}.{:03} UTC", Written(at_ms, TimeZone::UTC), at_ms % 1000)
}
