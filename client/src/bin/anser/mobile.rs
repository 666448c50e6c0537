//! `anser mobile`: the telephone number of this device, as app servers see it.

use anser_client::session::{LabelAnswer, LabelCall};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::failure::Failure;
use crate::labels;
use crate::options::Global;

/// Set or clear this device's mobile number
#[derive(Args)]
#[command(after_help = "Examples:
  anser mobile set +86-13012345678
  anser mobile --user bob clear")]
pub struct Mobile {
    /// Whose device; no login is needed
    #[arg(long, value_name = "USER", global = true)]
    user: Option<String>,
    #[command(subcommand)]
    action: MobileAction,
}

#[derive(Subcommand)]
enum MobileAction {
    /// Set the number: at most 20 characters, + or a digit, then digits and -
    Set { number: String },
    /// Have no number
    Clear,
}

impl Mobile {
    pub async fn run(self, global: &Global) -> Result<(), Failure> {
        let call = match self.action {
            MobileAction::Set { number } if number.is_empty() => {
                return Err(Failure::usage("which number? \"anser mobile clear\" takes it away"));
            }
            MobileAction::Set { number } => LabelCall::SetMobile(number),
            MobileAction::Clear => LabelCall::SetMobile(String::new()),
        };
        let answer = labels::ask(global, self.user.as_deref(), call).await?;
        if let (LabelAnswer::Mobile(mobile), true) = (answer, global.json) {
            println!("{}", json!({"mobile": mobile}));
        }
        Ok(())
    }
}
