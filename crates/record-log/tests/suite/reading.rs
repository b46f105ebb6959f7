//! How a log is read: limits, waiting, following.

use super::*;

pub async fn a_read_stops_at_its_limits_but_always_advances(Rig { log, names }: Rig) {
    let topic = create(&log, &names, 1).await;
    // Eight bytes each.
    log.append_all(&topic, 0, (0..10).map(numbered).collect()).await.unwrap();
    for (records, bytes, expected) in [(3, 1000, 3), (100, 24, 3), (100, 31, 3), (100, 32, 4), (0, 0, 1), (5, 7, 1)] {
        let limit = ReadLimit { records, bytes };
        let batch = log.read(&topic, 0, 2, limit).await.unwrap();
        assert_eq!(numbers(&batch), range(2, 2 + expected), "{limit:?}");
    }
    let huge = NewRecord::of_value(vec![0_u8; MAX_RECORD_BYTES]);
    let many = MAX_READ_BYTES / MAX_RECORD_BYTES + 2;
    log.append_all(&topic, 0, vec![huge; many]).await.unwrap();
    let unlimited = ReadLimit { records: usize::MAX, bytes: usize::MAX };
    let batch = log.read(&topic, 0, 10, unlimited).await.unwrap();
    assert_eq!(batch.len(), MAX_READ_BYTES / MAX_RECORD_BYTES);
}

pub async fn a_read_at_or_beyond_the_end_is_empty(Rig { log, names }: Rig) {
    let topic = create(&log, &names, 1).await;
    log.append(&topic, 0, numbered(0)).await.unwrap();
    for from in [1, 2, u64::MAX] {
        let batch = log.read(&topic, 0, from, ReadLimit::default()).await;
        assert_eq!(batch, Ok(Vec::new()));
    }
}

pub async fn a_reader_starts_in_the_middle(Rig { log, names }: Rig) {
    let topic = create(&log, &names, 1).await;
    log.append_all(&topic, 0, (0..10).map(numbered).collect()).await.unwrap();
    let mut reader = log.reader(&topic, 0, 6);
    assert_eq!(reader.position(), 6);
    assert_eq!(numbers(&reader.next_batch(3).await.unwrap()), range(6, 9));
    assert_eq!(reader.position(), 9);
    assert_eq!(numbers(&reader.next_batch_now(3).await.unwrap()), [9]);
    assert_eq!(reader.next_batch_now(3).await, Ok(Vec::new()));
    assert_eq!(reader.position(), 10);
}

pub async fn a_waiting_reader_is_woken_by_an_append(Rig { log, names }: Rig) {
    let topic = create(&log, &names, 2).await;
    let mut reader = log.reader(&topic, 0, 0);
    for number in 0..20 {
        // `join!` looks at the reader first: it waits when the append begins.
        let (batch, offset) = tokio::join!(reader.next_batch(10), async {
            log.append(&topic, 1, numbered(1000)).await.unwrap();
            log.append(&topic, 0, numbered(number)).await
        });
        assert_eq!(numbers(&batch.unwrap()), [number]);
        assert_eq!(offset, Ok(number));
    }
}

pub async fn a_reader_beyond_the_end_waits_until_the_log_gets_there(Rig { log, names }: Rig) {
    let topic = create(&log, &names, 1).await;
    let mut reader = log.reader(&topic, 0, 3);
    let (batch, ()) = tokio::join!(reader.next_batch(10), async {
        for number in 0..4 {
            log.append(&topic, 0, numbered(number)).await.unwrap();
        }
    });
    assert_eq!(numbers(&batch.unwrap()), [3]);
    assert_eq!(reader.position(), 4);
}

pub async fn a_reader_follows_a_writer_to_the_last_record(Rig { log, names }: Rig) {
    const RECORDS: u64 = 300;
    let topic = create(&log, &names, 1).await;
    let mut reader = log.reader(&topic, 0, 0);
    let follower = tokio::spawn(async move {
        let mut seen = Vec::new();
        while (seen.len() as u64) < RECORDS {
            seen.extend(numbers(&reader.next_batch(7).await.unwrap()));
        }
        seen
    });
    for number in 0..RECORDS {
        log.append(&topic, 0, numbered(number)).await.unwrap();
    }
    assert_eq!(follower.await.unwrap(), range(0, RECORDS));
}

pub async fn a_dropped_wait_skips_nothing(Rig { log, names }: Rig) {
    const RECORDS: u64 = 200;
    let topic = create(&log, &names, 1).await;
    let mut reader = log.reader(&topic, 0, 0);
    assert_eq!(look(&mut reader, 0).await, None, "the log is empty");
    let writer = {
        let (log, topic) = (log.clone(), topic.clone());
        tokio::spawn(async move {
            for number in 0..RECORDS {
                log.append(&topic, 0, numbered(number)).await.unwrap();
                tokio::task::yield_now().await;
            }
        })
    };
    let mut seen = Vec::new();
    while reader.position() < RECORDS {
        // Dropped after none to three turns of the runtime: at different points of the wait.
        for turns in 0..4 {
            let before = reader.position();
            match look(&mut reader, turns).await {
                Some(batch) => seen.extend(numbers(&batch)),
                None => assert_eq!(reader.position(), before),
            }
        }
        if reader.position() < RECORDS {
            seen.extend(numbers(&reader.next_batch(3).await.unwrap()));
        }
    }
    writer.await.unwrap();
    assert_eq!(seen, range(0, RECORDS));
}
