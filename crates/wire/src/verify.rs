//! Signatures by the rules of ZIP-215: one at a time and in batches give the same verdict (design, D6).

use crate::limits::MAX_BATCH;
use ed25519_zebra::{
    Signature, VerificationKeyBytes,
    batch::{Item, Verifier},
};
use hattama_election::key::PublicKey;
use rand_core::OsRng;

/// What is to be verified: key, signature and the hash over the message.
pub(crate) struct Claim(Item);

impl Claim {
    pub(crate) fn new(key: &PublicKey, signature: &[u8; 64], message: &[u8]) -> Self {
        let key = VerificationKeyBytes::from(*key.as_bytes());
        Self(Item::from((key, Signature::from_bytes(signature), message)))
    }

    /// True when the signature is good.
    pub(crate) fn holds(self) -> bool {
        self.0.verify_single().is_ok()
    }
}

/// The verdict on each claim, in order. A batch that fails says only "not all", so its claims are then verified singly.
pub(crate) fn verify_all(claims: &[Claim]) -> Vec<bool> {
    let mut verdicts = Vec::with_capacity(claims.len());
    for batch in claims.chunks(MAX_BATCH) {
        let mut verifier = Verifier::new();
        batch.iter().for_each(|claim| verifier.queue(claim.0.clone()));
        if verifier.verify(OsRng).is_ok() {
            verdicts.extend(batch.iter().map(|_| true));
        } else {
            verdicts.extend(batch.iter().map(|claim| claim.0.clone().verify_single().is_ok()));
        }
    }
    verdicts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SigningKey;
    use curve25519_dalek::{constants, scalar::Scalar};
    use sha2::{Digest as _, Sha512};

    fn honest(place: u8) -> Claim {
        let key = SigningKey::from_seed([place; 32]).unwrap();
        let message = [place; 600];
        Claim::new(&key.public_key(), &key.sign(&message), &message)
    }

    /// A signature that only the key's holder can make: R has a component of order 8.
    fn malformed_by_its_holder(message: &[u8]) -> Claim {
        let secret = Scalar::from_bytes_mod_order([5; 32]);
        let public = (constants::ED25519_BASEPOINT_TABLE * &secret).compress().to_bytes();
        let nonce = Scalar::from_bytes_mod_order([9; 32]);
        let r = constants::ED25519_BASEPOINT_TABLE * &nonce + constants::EIGHT_TORSION[1];
        let r = r.compress().to_bytes();
        let hash = Sha512::new().chain_update(r).chain_update(public).chain_update(message);
        let s = nonce + Scalar::from_hash(hash) * secret;
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&r);
        signature[32..].copy_from_slice(s.as_bytes());
        Claim::new(&PublicKey::new(public).unwrap(), &signature, message)
    }

    #[test]
    fn a_signature_with_a_component_of_small_order_is_good_singly_and_in_every_batch() {
        assert!(malformed_by_its_holder(b"m").holds());
        for size in 1..=32 {
            let mut claims: Vec<Claim> = (0..size).map(honest).collect();
            claims.insert(usize::from(size / 2), malformed_by_its_holder(&[size]));
            let mut verifier = Verifier::new();
            claims.iter().for_each(|claim| verifier.queue(claim.0.clone()));
            assert!(verifier.verify(OsRng).is_ok(), "the batch itself, not the fallback, {size}");
            assert!(verify_all(&claims).into_iter().all(|good| good), "{size}");
        }
    }

    #[test]
    fn of_many_signatures_exactly_the_bad_ones_are_bad() {
        let message = [0; 600];
        let mut claims: Vec<Claim> = (0..=255).chain(0..=255).map(honest).collect();
        let (one, other) = (SigningKey::from_seed([1; 32]).unwrap(), SigningKey::from_seed([2; 32]).unwrap());
        claims[0] = Claim::new(&one.public_key(), &other.sign(&message), &message);
        claims[300] = Claim::new(&one.public_key(), &[0xff; 64], &message);
        let bad: Vec<usize> =
            verify_all(&claims).into_iter().enumerate().filter_map(|(place, good)| (!good).then_some(place)).collect();
        assert_eq!(bad, [0, 300]);
    }

    #[test]
    fn a_scalar_above_the_groups_order_is_refused() {
        let key = SigningKey::from_seed([3; 32]).unwrap();
        let mut signature = key.sign(b"m");
        // s + ℓ is the same scalar in other bytes: two signatures of one message would be two records.
        let order: [u8; 32] = {
            let mut bytes = (-Scalar::ONE).to_bytes();
            bytes[0] += 1;
            bytes
        };
        let mut carry = 0;
        for (byte, add) in signature[32..].iter_mut().zip(order) {
            let sum = u16::from(*byte) + u16::from(add) + carry;
            *byte = sum.to_le_bytes()[0];
            carry = sum >> 8;
        }
        assert!(!Claim::new(&key.public_key(), &signature, b"m").holds());
    }
}
