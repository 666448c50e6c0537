//! The stored forms of a password, as text.

use std::fmt;
use std::str::FromStr;

use argon2::Params;
use data_encoding::BASE64_NOPAD;

pub const SALT_BYTES: usize = 16;
pub const HASH_BYTES: usize = 32;
pub type Salt = [u8; SALT_BYTES];
pub type Hash = [u8; HASH_BYTES];

pub enum Encoded {
    Slow { cost: Params, salt: Salt, hash: Hash },
    Quick { salt: Salt, mac: Hash },
}

/// The text is none of the stored forms.
#[derive(Debug)]
pub struct NotAHash;

impl fmt::Display for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base64 = |bytes: &[u8]| BASE64_NOPAD.encode(bytes);
        match self {
            Self::Slow { cost, salt, hash } => {
                let (m, t, p) = (cost.m_cost(), cost.t_cost(), cost.p_cost());
                write!(f, "$argon2id$v=19$m={m},t={t},p={p}${}${}", base64(salt), base64(hash))
            }
            Self::Quick { salt, mac } => write!(f, "$quick${}${}", base64(salt), base64(mac)),
        }
    }
}

impl FromStr for Encoded {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Self, NotAHash> {
        let parts: Vec<&str> = text.split('$').collect();
        match parts.as_slice() {
            ["", "argon2id", "v=19", cost, salt, hash] => {
                Ok(Self::Slow { cost: cost_of(cost)?, salt: bytes(salt)?, hash: bytes(hash)? })
            }
            ["", "quick", salt, mac] => Ok(Self::Quick { salt: bytes(salt)?, mac: bytes(mac)? }),
            _ => Err(NotAHash),
        }
    }
}

fn cost_of(text: &str) -> Result<Params, NotAHash> {
    let mut numbers = [0u32; 3];
    let parts: Vec<&str> = text.split(',').collect();
    let [m, t, p] = parts.as_slice() else { return Err(NotAHash) };
    for (number, (part, name)) in numbers.iter_mut().zip([(m, "m="), (t, "t="), (p, "p=")]) {
        *number = part.strip_prefix(name).and_then(|digits| digits.parse().ok()).ok_or(NotAHash)?;
    }
    Params::new(numbers[0], numbers[1], numbers[2], Some(HASH_BYTES)).map_err(|_| NotAHash)
}

fn bytes<const N: usize>(text: &str) -> Result<[u8; N], NotAHash> {
    BASE64_NOPAD.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(NotAHash)
}
