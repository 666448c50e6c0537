//! Where settings come from: the file, the environment and the flags of the command line.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use config::{FileFormat, Map, Source, Value};

use super::reader::Reader;
use super::{Config, DEFAULT_FILE, KEYS, Mistake, known_keys};

/// Variables with our prefix that belong to the client command, to tests, or to the command line itself.
const NOT_SETTINGS: [&str; 11] = [
    "ANSER_CONFIG",
    "ANSER_PASSWORD",
    "ANSER_SERVER",
    "ANSER_CA",
    "ANSER_INSECURE",
    "ANSER_APP_KEY",
    "ANSER_MASTER_SECRET",
    "ANSER_TRANSPORT",
    "ANSER_STATE_DIR",
    "ANSER_USER",
    // Where pages are read from by who works on them.
    "ANSER_WEB_DIST",
];

/// What the command line says.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    pub config: Option<PathBuf>,
    pub data_dir: Option<PathBuf>,
    pub listen: Vec<String>,
}

/// Reads all settings. `environment` is passed in so that tests need not change the process's own.
pub fn read(flags: &Flags, environment: impl Iterator<Item = (String, String)>) -> Result<Config, Vec<Mistake>> {
    let file = flags.config.clone().or_else(|| Some(PathBuf::from(DEFAULT_FILE)).filter(|path| path.exists()));
    let text = match &file {
        Some(path) => read_file(path).map_err(|mistake| vec![mistake])?,
        None => String::new(),
    };
    let named = file.as_deref().map_or_else(|| "config".to_owned(), |path| path.display().to_string());
    read_text(&text, named, flags, environment)
}

/// The same with the file's text; `named` is what mistakes in it are told of.
pub fn read_text(
    text: &str,
    named: String,
    flags: &Flags,
    environment: impl Iterator<Item = (String, String)>,
) -> Result<Config, Vec<Mistake>> {
    let (variables, unknown) = settings_of(environment);
    let tree = config::Config::builder()
        .add_source(config::File::from_str(text, FileFormat::Toml))
        .add_source(variables)
        .add_source(settings_of_flags(flags))
        .build()
        // As values, because they know where they come from.
        .and_then(|built| built.collect())
        .map(BTreeMap::from_iter)
        .map_err(|error| vec![not_toml(&named, &error)])?;
    let mut reader = Reader::new(tree, named);
    for mistake in unknown {
        reader.note(mistake);
    }
    let config = Config::take(&mut reader);
    let mistakes = reader.finish(&known_keys().iter().map(String::as_str).collect::<Vec<_>>());
    if mistakes.is_empty() { Ok(config) } else { Err(mistakes) }
}

/// The variable that sets a key.
pub(super) fn variable_of(key: &str) -> String {
    format!("ANSER_{}", key.replace('.', "_").to_ascii_uppercase())
}

fn read_file(path: &Path) -> Result<String, Mistake> {
    std::fs::read_to_string(path).map_err(|error| Mistake {
        what: format!("{}: {error}", path.display()),
        allowed: "name a readable TOML file with --config, or leave it out".to_owned(),
    })
}

fn not_toml(file: &str, error: &config::ConfigError) -> Mistake {
    let first = error.to_string().lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    Mistake { what: format!("{file}: {first}"), allowed: "the file must be valid TOML".to_owned() }
}

/// Settings out of `ANSER_…` variables, and the variables that are none.
fn settings_of(environment: impl Iterator<Item = (String, String)>) -> (Pairs, Vec<Mistake>) {
    let (mut pairs, mut unknown) = (Vec::new(), Vec::new());
    let mut ours: Vec<_> =
        environment.filter(|(name, _)| name.starts_with("ANSER_") && !NOT_SETTINGS.contains(&name.as_str())).collect();
    ours.sort();
    for (name, value) in ours {
        match KEYS.iter().find(|key| variable_of(key) == name) {
            Some(key) => pairs.push((key.to_string(), Value::new(Some(&format!("variable {name}")), value))),
            None => unknown.push(Mistake {
                what: format!("variable {name}"),
                allowed: "unknown setting; `anserd check --list` names all of them".to_owned(),
            }),
        }
    }
    (Pairs(pairs), unknown)
}

fn settings_of_flags(flags: &Flags) -> Pairs {
    let mut pairs = Vec::new();
    if let Some(dir) = &flags.data_dir {
        let origin = "flag --data-dir".to_owned();
        pairs.push(("data_dir".to_owned(), Value::new(Some(&origin), dir.display().to_string())));
    }
    if !flags.listen.is_empty() {
        let origin = "flag --listen".to_owned();
        pairs.push(("listen".to_owned(), Value::new(Some(&origin), flags.listen.clone())));
    }
    Pairs(pairs)
}

/// Ready-made pairs as a source of the `config` crate.
#[derive(Clone, Debug)]
struct Pairs(Vec<(String, Value)>);

impl Source for Pairs {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        Ok(self.0.iter().cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_mistake_says_where_it_was_made() {
        let (_dir, flags) = file("log_level = 1\n[limits]\nlinks = -1");
        let variables = [("ANSER_TIME_ZONE", "Mars"), ("ANSER_RATES_PUSH", "0")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mistakes = read(&flags, variables.into_iter()).expect_err("four mistakes");
        for (key, place) in [
            ("log_level", "anserd.toml"),
            ("limits.links", "anserd.toml"),
            ("time_zone", "variable ANSER_TIME_ZONE"),
            ("rates.push", "variable ANSER_RATES_PUSH"),
        ] {
            let told = mistakes.iter().find(|mistake| mistake.what.starts_with(key));
            let told = told.unwrap_or_else(|| panic!("{key} is not among {mistakes:?}"));
            assert!(told.what.contains(place), "{}", told.what);
        }
    }

    #[test]
    fn without_any_source_the_defaults_hold() {
        let config = read(&Flags::default(), std::iter::empty()).expect("defaults are valid");
        assert_eq!(config.listen, ["[::]:8443".parse().expect("an address")]);
        assert_eq!(config.push.offline_limit, 5);
        assert_eq!(config.storage.cache_bytes, 64 << 20);
    }

    #[test]
    fn flags_win_over_the_environment_and_that_over_the_file() {
        let (_dir, flags) = file("data_dir = '/file'\nlisten = ['127.0.0.1:1']\n[limits]\nlinks = 10\nhalf_open = 11");
        let flags = Flags { listen: vec!["127.0.0.1:3".to_owned()], ..flags };
        let config = read(&flags, environment(&[("ANSER_LISTEN", "127.0.0.1:2"), ("ANSER_LIMITS_LINKS", "20")]));
        let config = config.expect("all valid");
        assert_eq!(config.data_dir, PathBuf::from("/file"));
        assert_eq!(config.listen, ["127.0.0.1:3".parse().expect("an address")]);
        assert_eq!((config.limits.links, config.limits.half_open), (20, 11));
    }

    #[test]
    fn five_mistakes_give_five_lines_with_key_value_and_what_is_allowed() {
        let (_dir, flags) = file(
            "listen = ['nowhere']\nlog_level = 'loud'\ncolour = 'red'\n[push]\noffline_limit = 0\n[tls]\ncertificate = 'a.pem'",
        );
        let mistakes = read(&flags, std::iter::empty()).expect_err("five mistakes");
        let lines: Vec<_> = mistakes.iter().map(Mistake::to_string).collect();
        assert_eq!(lines.len(), 5, "{lines:#?}");
        assert!(lines.iter().any(|line| line.contains("offline_limit = 0") && line.contains("from 1 to 1000")));
        assert!(lines.iter().any(|line| line.contains("colour") && line.contains("unknown setting")));
        assert!(lines.iter().any(|line| line.contains("tls.key is missing")));
    }

    #[test]
    fn the_scrub_comes_every_week_or_as_often_as_set_or_never() {
        let days = |days: u64| Some(std::time::Duration::from_secs(days * 86_400));
        for (text, expected) in
            [("", days(7)), ("[storage]\nscrub_days = 30", days(30)), ("[storage]\nscrub_days = 0", None)]
        {
            let (_dir, flags) = file(text);
            let config = read(&flags, std::iter::empty()).expect("valid");
            assert_eq!(config.storage.scrub_every, expected, "{text}");
        }
        let (_dir, flags) = file("[storage]\nscrub_days = 'weekly'");
        let mistakes = read(&flags, std::iter::empty()).expect_err("a mistake");
        assert!(mistakes[0].to_string().contains("from 0 to 365"), "{mistakes:?}");
    }

    #[test]
    fn an_unknown_variable_is_a_mistake_but_those_of_the_client_are_not() {
        assert!(read(&Flags::default(), environment(&[("ANSER_LISTNE", "x")])).is_err());
        assert!(read(&Flags::default(), environment(&[("ANSER_PASSWORD", "secret"), ("PATH", "x")])).is_ok());
    }

    #[test]
    fn plain_http_is_refused_on_a_public_address() {
        let public = read(&Flags::default(), environment(&[("ANSER_PLAIN_LISTEN", "0.0.0.0:8080")]));
        assert!(public.is_err());
        let private = read(&Flags::default(), environment(&[("ANSER_PLAIN_LISTEN", "127.0.0.1:8080,10.0.0.1:80")]));
        assert_eq!(private.expect("both are private").plain_listen.len(), 2);
    }

    #[test]
    fn a_file_that_is_not_toml_is_named() {
        let (_dir, flags) = file("listen = [");
        let mistakes = read(&flags, std::iter::empty()).expect_err("not TOML");
        assert!(mistakes[0].to_string().contains("anserd.toml"), "{mistakes:?}");
    }

    #[test]
    fn every_key_has_its_own_variable() {
        let names: std::collections::BTreeSet<_> = KEYS.iter().map(|key| variable_of(key)).collect();
        assert_eq!(names.len(), KEYS.len());
    }

    #[test]
    fn the_shipped_file_is_valid_and_says_the_defaults() {
        let shipped = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../packaging/anserd.toml");
        let given = read(&Flags { config: Some(shipped.clone()), ..Flags::default() }, std::iter::empty());
        let defaults = read(&Flags::default(), std::iter::empty()).expect("defaults are valid");
        assert_eq!(given.expect("the shipped file is valid"), defaults);
        let text = std::fs::read_to_string(shipped).expect("the file is there");
        for key in known_keys() {
            let name = key.rsplit('.').next().expect("a last part");
            assert!(text.contains(&format!("{name} =")), "{key} is not described");
        }
    }

    proptest! {
        #[test]
        fn no_file_makes_it_panic(text in ".{0,200}") {
            let (_dir, flags) = file(&text);
            let _ = read(&flags, std::iter::empty());
        }

        #[test]
        fn no_value_of_a_setting_makes_it_panic(
            key in prop::sample::select(KEYS.to_vec()),
            value in prop_oneof![
                any::<i64>().prop_map(|number| number.to_string()),
                any::<f64>().prop_map(|number| format!("{number:?}")),
                "[a-z0-9:.,+ -]{0,20}".prop_map(|text| format!("'{text}'")),
                "[a-z0-9:.,+ -]{0,20}".prop_map(|text| format!("['{text}', 7, true]")),
                Just("{ a = { b = 1 } }".to_owned()),
            ],
        ) {
            let (_dir, flags) = file(&format!("{key} = {value}"));
            let _ = read(&flags, std::iter::empty());
        }
    }

    fn file(text: &str) -> (tempfile::TempDir, Flags) {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("anserd.toml");
        std::fs::write(&path, text).expect("written");
        (dir, Flags { config: Some(path), ..Flags::default() })
    }

    fn environment(pairs: &[(&str, &str)]) -> impl Iterator<Item = (String, String)> {
        pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect::<Vec<_>>().into_iter()
    }
}
