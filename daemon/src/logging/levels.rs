//! How much each module says: set at the start, and changed while the daemon runs.

use std::str::FromStr;
use std::sync::{PoisonError, RwLock};

use log::{Level, LevelFilter, Metadata};
use serde::{Deserialize, Serialize};

/// The modules that have a level of their own when asked for, and whose lines those are.
const MODULES: [(&str, &str); 25] = [
    ("admin", "anserd::admin"),
    ("app_callback", "anserd::app_callback"),
    ("attendance", "anserd::attendance"),
    ("bridge", "anserd::bridge"),
    ("callback", "anserd::callback"),
    ("followup", "anserd::followup"),
    ("ledger", "anserd::ledger"),
    ("link", "anserd::link"),
    ("listen", "anserd::listen"),
    ("logging", "anserd::logging"),
    ("media", "anserd::media"),
    ("message_check", "anserd::message_check"),
    ("observe", "anserd::observe"),
    ("password", "anserd::password"),
    ("rest", "anserd::rest"),
    ("retention", "anserd::retention"),
    ("schedule", "anserd::schedule"),
    ("scrub", "anserd::scrub"),
    ("serve", "anserd::serve"),
    ("storage", "anser_storage"),
    ("switchboard", "anserd::switchboard"),
    ("tls", "anserd::tls"),
    // Of others.
    ("hyper", "hyper"),
    ("quinn", "quinn"),
    ("rustls", "rustls"),
];

static LEVELS: RwLock<Levels> = RwLock::new(Levels { all: LevelFilter::Info, modules: Vec::new() });

/// The level of one module, written `link=debug`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleLevel {
    pub module: String,
    pub level: String,
}

/// What holds now.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Levels {
    all: LevelFilter,
    modules: Vec<(&'static str, &'static str, LevelFilter)>,
}

impl ModuleLevel {
    /// All names, for those who mistype one.
    pub fn names() -> String {
        MODULES.map(|(name, _)| name).join(", ")
    }
}

impl FromStr for ModuleLevel {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (module, level) = text.split_once('=').ok_or(())?;
        let (module, level) = (module.trim(), level.trim().to_ascii_lowercase());
        if target_of(module).is_none() || level.parse::<LevelFilter>().is_err() {
            return Err(());
        }
        Ok(Self { module: module.to_owned(), level })
    }
}

impl Levels {
    fn new(all: LevelFilter, modules: &[ModuleLevel]) -> Self {
        let mut levels = Self { all, modules: Vec::new() };
        for ModuleLevel { module, level } in modules {
            if let Ok(level) = level.parse() {
                levels.set(module, level);
            }
        }
        levels
    }

    fn set(&mut self, module: &str, level: LevelFilter) {
        let Some((name, target)) = target_of(module) else { return };
        self.modules.retain(|(known, ..)| *known != name);
        self.modules.push((name, target, level));
    }

    /// The most that anybody says.
    fn most(&self) -> LevelFilter {
        self.modules.iter().map(|(.., level)| *level).fold(self.all, Ord::max)
    }

    fn lets_through(&self, level: Level, target: &str) -> bool {
        let is_of = |module: &str| {
            target
                .strip_prefix(module)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("::") || rest.starts_with('_'))
        };
        let own = self.modules.iter().find(|(_, module, _)| is_of(module)).map(|(.., level)| *level);
        let may_say = own.unwrap_or_else(|| {
            // Handshakes of strangers fail all day; what libraries say below a warning helps nobody at info.
            let is_quiet = !target.starts_with("anser") && self.all <= LevelFilter::Info;
            if is_quiet { self.all.min(LevelFilter::Warn) } else { self.all }
        });
        level <= may_say
    }
}

fn target_of(module: &str) -> Option<(&'static str, &'static str)> {
    MODULES.into_iter().find(|(name, _)| *name == module)
}

/// What the settings say.
pub fn begin(all: LevelFilter, modules: &[ModuleLevel]) {
    put(Levels::new(all, modules));
}

pub fn lets_through(metadata: &Metadata<'_>) -> bool {
    metadata.level() <= log::max_level()
        && LEVELS.read().unwrap_or_else(PoisonError::into_inner).lets_through(metadata.level(), metadata.target())
}

/// `LEVEL` or `MODULE=LEVEL`, until the next start. A level for all takes back those of modules.
pub fn change(text: &str) -> Result<(), String> {
    let mut levels = LEVELS.read().unwrap_or_else(PoisonError::into_inner).clone();
    match (text.parse::<LevelFilter>(), text.parse::<ModuleLevel>()) {
        (Ok(all), _) => levels = Levels { all, modules: Vec::new() },
        (_, Ok(ModuleLevel { module, level })) => {
            let level = level.parse().map_err(|_| wrong(text))?;
            levels.set(&module, level);
        }
        _ => return Err(wrong(text)),
    }
    put(levels);
    Ok(())
}

fn wrong(text: &str) -> String {
    format!(
        "{text:?} is no level: use off, error, warn, info, debug or trace, alone or for one module as in link=debug; modules are {}",
        ModuleLevel::names()
    )
}

/// The level for all, then those of modules.
pub fn shown() -> Vec<String> {
    let levels = LEVELS.read().unwrap_or_else(PoisonError::into_inner);
    let word = |level: LevelFilter| level.as_str().to_ascii_lowercase();
    let modules = levels.modules.iter().map(|(name, _, level)| format!("{name}={}", word(*level)));
    std::iter::once(word(levels.all)).chain(modules).collect()
}

fn put(levels: Levels) {
    let most = levels.most();
    *LEVELS.write().unwrap_or_else(PoisonError::into_inner) = levels;
    log::set_max_level(most);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_says_more_than_the_others_and_libraries_say_less() {
        let link: ModuleLevel = "link=debug".parse().expect("a module");
        let quinn: ModuleLevel = "quinn=TRACE".parse().expect("a module");
        let levels = Levels::new(LevelFilter::Info, &[link, quinn]);
        assert!(levels.lets_through(Level::Debug, "anserd::link::task"));
        assert!(
            !levels.lets_through(Level::Debug, "anserd::linkage") && !levels.lets_through(Level::Debug, "anserd::rest")
        );
        assert!(levels.lets_through(Level::Info, "anser_storage::disk"));
        assert!(levels.lets_through(Level::Trace, "quinn_proto::connection"));
        assert!(levels.lets_through(Level::Warn, "h2") && !levels.lets_through(Level::Info, "h2"));
        assert_eq!(levels.most(), LevelFilter::Trace);
    }

    #[test]
    fn the_last_word_about_a_module_holds_and_unknown_ones_are_refused() {
        let mut levels = Levels::new(LevelFilter::Debug, &[]);
        assert!(levels.lets_through(Level::Debug, "h2"), "whoever asks for debug wants it of all");
        levels.set("rest", LevelFilter::Trace);
        levels.set("rest", LevelFilter::Off);
        assert!(!levels.lets_through(Level::Error, "anserd::rest"));
        for wrong in ["", "rest", "rest=loud", "nobody=debug", "=debug"] {
            assert!(wrong.parse::<ModuleLevel>().is_err(), "{wrong}");
        }
    }
}
