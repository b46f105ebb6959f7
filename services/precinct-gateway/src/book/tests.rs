use super::*;
use bytes::Bytes;

fn kept(number: u8) -> Kept {
    Kept {
        digest: SubmissionDigest([number; 32]),
        content: ContentDigest([number; 32]),
        shard: ShardId(1),
        received_at_milliseconds: 5,
        value: Bytes::from(vec![number]),
    }
}

fn add(book: &Book, number: u8) -> SubmissionDigest {
    let kept = kept(number);
    book.add(&kept, book.reserve().unwrap());
    kept.digest
}

#[test]
fn the_outbox_has_a_limit_and_a_sent_submission_frees_its_place() {
    let book = Book::new(2, 2);
    add(&book, 1);
    add(&book, 2);
    assert_eq!(book.reserve().unwrap_err(), OutboxFull);
    let sent = book.unsent_now(ShardId(1), 1);
    assert_eq!(book.outstanding(), 2, "taken is not yet logged");
    drop(sent);
    assert!(book.reserve().is_ok());
    assert_eq!(book.outstanding(), 1);
}

#[test]
fn what_was_found_in_the_log_is_not_sent_again() {
    let book = Book::new(2, 10);
    let (first, second) = (add(&book, 1), add(&book, 2));
    assert!(book.located(&first, 9));
    let unsent: Vec<_> = book.unsent_now(ShardId(1), 10).into_iter().map(|unsent| unsent.digest).collect();
    assert_eq!(unsent, [second]);
}

#[test]
fn the_lowest_offset_stands() {
    let book = Book::new(2, 10);
    let digest = add(&book, 1);
    assert!(book.located(&digest, 9));
    assert!(!book.located(&digest, 12));
    assert!(book.located(&digest, 4));
    assert_eq!(book.receipt(&digest).unwrap().offset, Some(4));
}

#[test]
fn a_shards_claim_is_its_submission_that_lies_last() {
    let book = Book::new(2, 10);
    assert!(book.last_located().is_empty());
    let (first, second, _) = (add(&book, 1), add(&book, 2), add(&book, 3));
    book.located(&first, 9);
    book.located(&second, 4);
    let claim = Claim { offset: 9, record: RecordDigest(sha256(&[1])) };
    assert_eq!(book.last_located(), BTreeMap::from([(ShardId(1), claim)]));
}

#[test]
fn a_watcher_wakes_at_news_only() {
    let book = Book::new(2, 10);
    let digest = add(&book, 1);
    let mut watcher = book.subscribe(&digest).unwrap();
    book.located(&digest, 3);
    assert!(watcher.has_changed().unwrap());
    watcher.mark_unchanged();
    book.located(&digest, 3);
    assert!(!watcher.has_changed().unwrap());
    book.counted_in(&digest, 7);
    book.counted_in(&digest, 8);
    assert_eq!(book.receipt(&digest).unwrap().counted_in, Some(7));
    assert!(book.subscribe(&SubmissionDigest([9; 32])).is_none());
}

#[test]
fn the_same_record_is_told_from_the_same_signed_bytes_with_another_signature() {
    let book = Book::new(2, 10);
    let digest = add(&book, 1);
    assert!(book.holds_record(&digest, &[1]));
    assert!(!book.holds_record(&digest, &[2]));
}
