//! Encryption of a Web Push message for one browser (RFC 8291, with the coding aes128gcm of RFC 8188).

use ring::aead::{AES_128_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use ring::error::Unspecified;
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::rand::SystemRandom;

use crate::keys::random;

/// Push services take at most this much.
const BODY_BYTES_MAX: usize = 4096;
const POINT_BYTES: usize = 65;
const SALT_BYTES: usize = 16;
const HEADER_BYTES: usize = SALT_BYTES + 4 + 1 + POINT_BYTES;
/// The mark of the last record, and the tag.
const TRAILER_BYTES: usize = 1 + 16;
/// What may stand in a message.
pub(super) const PLAIN_BYTES_MAX: usize = BODY_BYTES_MAX - HEADER_BYTES - TRAILER_BYTES;

/// The browser's half of the keys.
pub(super) struct Recipient {
    pub point: [u8; POINT_BYTES],
    pub auth: [u8; 16],
}

/// Fails if the browser's point is not on the curve.
pub(super) fn seal(recipient: &Recipient, plain: &[u8]) -> Result<Vec<u8>, Unspecified> {
    let ours = EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new())?;
    let our_point: [u8; POINT_BYTES] = ours.compute_public_key()?.as_ref().try_into().map_err(|_| Unspecified)?;
    let theirs = UnparsedPublicKey::new(&ECDH_P256, &recipient.point);
    agree_ephemeral(ours, &theirs, |shared| seal_with(recipient, plain, &our_point, shared, random()))?
}

fn seal_with(
    recipient: &Recipient,
    plain: &[u8],
    our_point: &[u8; POINT_BYTES],
    shared: &[u8],
    salt: [u8; SALT_BYTES],
) -> Result<Vec<u8>, Unspecified> {
    let mut input = [0; 32];
    let info: [&[u8]; 3] = [b"WebPush: info\0", &recipient.point, our_point];
    Salt::new(HKDF_SHA256, &recipient.auth).extract(shared).expand(&info, Bytes(32))?.fill(&mut input)?;
    let derived = Salt::new(HKDF_SHA256, &salt).extract(&input);
    let (mut key, mut nonce) = ([0; 16], [0; NONCE_LEN]);
    derived.expand(&[b"Content-Encoding: aes128gcm\0"], Bytes(16))?.fill(&mut key)?;
    derived.expand(&[b"Content-Encoding: nonce\0"], Bytes(NONCE_LEN))?.fill(&mut nonce)?;

    let mut record = plain.to_vec();
    record.push(2);
    // The key is used once, so the nonce is as well.
    LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key)?).seal_in_place_append_tag(
        Nonce::assume_unique_for_key(nonce),
        Aad::empty(),
        &mut record,
    )?;
    let mut body = Vec::with_capacity(HEADER_BYTES + record.len());
    body.extend_from_slice(&salt);
    body.extend_from_slice(&4096_u32.to_be_bytes());
    body.push(65);
    body.extend_from_slice(our_point);
    body.extend_from_slice(&record);
    Ok(body)
}

/// So many bytes of derived key.
struct Bytes(usize);

impl KeyType for Bytes {
    fn len(&self) -> usize {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64URL_NOPAD;

    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        BASE64URL_NOPAD.decode(text.as_bytes()).expect("base64url")
    }

    #[test]
    fn the_example_of_rfc_8291_comes_out_byte_for_byte() {
        let ua = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
        let server = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
        let recipient = Recipient {
            point: bytes(ua).try_into().expect("65 bytes"),
            auth: bytes("BTBZMqHH6r4Tts7J_aSIgg").try_into().expect("16 bytes"),
        };
        let sealed = seal_with(
            &recipient,
            b"When I grow up, I want to be a watermelon",
            &bytes(server).try_into().expect("65 bytes"),
            &bytes("kyrL1jIIOHEzg3sM2ZWRHDRB62YACZhhSlknJ672kSs"),
            bytes("DGv6ra1nlYgDCS1FRnbzlw").try_into().expect("16 bytes"),
        )
        .expect("sealed");
        let expected = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8w\
                        EqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
        assert_eq!(BASE64URL_NOPAD.encode(&sealed), expected);
    }

    #[test]
    fn a_point_beside_the_curve_is_refused() {
        let recipient = Recipient { point: [4; 65], auth: [0; 16] };
        assert!(seal(&recipient, b"x").is_err());
    }
}
