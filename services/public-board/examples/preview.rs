//! A board over invented figures, to look at: `cargo run -p hattama-public-board --example preview -- [scene]`.
//!
//! Scenes: `night` (the count grows every two seconds; default), `part`, `all`, `few`, `embargo`, `waiting`, `trouble`.

#[expect(clippy::unwrap_used, dead_code, reason = "shared with the tests, which end where it fails and use more of it")]
#[path = "../tests/fake/mod.rs"]
mod fake;

use std::time::Duration;

use fake::Fake;
use fake::night::{STATIONS, Scene};
use hattama_public_board::{Config, start};
use hattama_service_kit::clock::Clock;
use hattama_service_kit::listen;
use hattama_service_kit::shutdown::Shutdown;

const PORT: u16 = 8480;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let clock = Clock::system();
    let wanted = std::env::args().nth(1).unwrap_or_else(|| "night".to_owned());
    let counted = |sequence, counted| Scene::counted(sequence, counted, clock.now_utc_milliseconds());
    let scene = match wanted.as_str() {
        "all" => counted(4_127, STATIONS),
        "few" => counted(12, 31),
        "embargo" => counted(640, 812).leaking_under_embargo(),
        "waiting" => Scene::nothing_yet(),
        "trouble" => trouble(counted(2_903, 8_412)),
        _ => counted(2_903, 8_412),
    };
    let fake = Fake::start(listen::local(0), scene).await;
    let board = start(Config::new(listen::local(PORT), fake.url(), clock), Shutdown::new()).await?;
    println!("http://{}/?lang=en", board.address);
    let mut step = 0;
    loop {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => break,
            () = tokio::time::sleep(Duration::from_secs(2)) => step += 1,
        }
        if wanted == "night" {
            fake.publish(counted(2_903 + step, (8_412 + 37 * step).min(STATIONS)));
        }
    }
    fake.stop().await;
    Ok(())
}

fn trouble(mut scene: Scene) -> Scene {
    if let Some(result) = &mut scene.result {
        result.frozen_shards = vec![7];
        result.shards_at_other_control = vec![3, 11];
    }
    scene.open_of_another = Some(1);
    scene
}
