//! Commands of the script about what messages may say.

use anser_storage::command::{Command, WordCommand};
use anser_storage::ids::AppNumber;

use super::random::Random;

/// Words that some of the script's texts ("text 17") have.
const WORDS: [&str; 4] = ["7", "T 1", "text 2", "nowhere"];

pub fn word_command(app: AppNumber, random: &mut Random) -> Command {
    let word = |random: &mut Random| (*random.pick(&WORDS)).to_owned();
    Command::Word(match random.below(6) {
        0 | 1 => WordCommand::Add { app, words: vec![word(random), word(random)], words_max: 3 },
        2 => WordCommand::Replace { app, old: word(random), new: word(random) },
        3 => WordCommand::Remove { app, words: vec![word(random)] },
        _ => {
            let is_masking = random.one_in(2).then_some(random.one_in(2));
            WordCommand::SetFilter { app, is_on: random.one_in(3), is_masking }
        }
    })
}
