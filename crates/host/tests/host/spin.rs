//! The Spin interfaces, files, clocks, output.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use sekisho_host::{Host, State, Stream};

use crate::support::App;
use crate::support::client::call_text;

async fn text(host: &Host, path: &str) -> String {
    let (status, text) = call_text(host, path).await;
    assert_eq!(status, 200, "{path}: {text}");
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn key_value() {
    let mut app = App::new(&[]);
    app.config.state = State::Disk(app.directory.path().join("state"));
    let host = app.start().await;
    assert_eq!(text(&host, "/kv/default/get/a").await, "Ok(None)");
    assert_eq!(text(&host, "/kv/default/set/a/1").await, "Ok(())");
    assert_eq!(text(&host, "/kv/default/get/a").await, "Ok(Some(\"1\"))");
    assert_eq!(host.store("default").get("a").await.unwrap(), Some(b"1".to_vec()));
    host.store("default").set("b", b"2".to_vec()).await.unwrap();
    assert_eq!(text(&host, "/kv/default/exists/b").await, "Ok(true)");
    assert_eq!(text(&host, "/kv/default/keys").await, "Ok([\"a\", \"b\"])");
    assert_eq!(text(&host, "/kv/default/delete/a").await, "Ok(())");
    assert_eq!(text(&host, "/kv/default/exists/a").await, "Ok(false)");
    assert!(text(&host, "/kv/other/get/a").await.contains("AccessDenied"));
    host.shutdown(Duration::from_secs(5)).await;
    let host = app.start().await;
    assert_eq!(text(&host, "/kv/default/keys").await, "Ok([\"b\"])");
}

#[tokio::test(flavor = "multi_thread")]
async fn variables() {
    let mut app = App::new(&[]);
    app.config.variables = BTreeMap::from([("greeting".to_owned(), "bye".to_owned())]);
    let host = app.start().await;
    assert_eq!(text(&host, "/variable/greeting").await, "Ok(\"bye, world\")");
    assert!(text(&host, "/variable/other").await.contains("Undefined"));
    assert!(text(&host, "/variable/No").await.contains("InvalidName"));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_mounted_read_only_and_nothing_else_is_there() {
    let app = App::new(&[]);
    let host = app.start().await;
    assert_eq!(text(&host, "/file/data/value.txt").await, "data");
    assert_eq!(text(&host, "/file/note.txt").await, "note");
    assert!(text(&host, "/file/etc/passwd").await.starts_with("error"));
    assert!(text(&host, "/file/data/../../../etc/passwd").await.starts_with("error"));
    for path in ["/write/data/value.txt", "/write/data/new.txt", "/write/new.txt"] {
        assert!(text(&host, path).await.starts_with("Err"), "{path}");
    }
    assert_eq!(
        text(&host, "/environment").await,
        "[(\"COLOUR\", \"red\"), (\"SEKISHO_OUTBOUND\", \"1\")] [] true"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wall_clock_can_be_set() {
    let mut app = App::new(&[]);
    app.config.wall_clock = Some(Arc::new(|| UNIX_EPOCH + Duration::from_secs(1_000_000)));
    assert_eq!(text(&app.start().await, "/time").await, "1000000 1000000");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_reach_the_sink_whole() {
    let app = App::new(&[]);
    let host = Arc::new(app.start().await);
    let calls: Vec<_> = (0..40)
        .map(|n| {
            let host = Arc::clone(&host);
            tokio::spawn(async move {
                text(&host, &format!("/print/{n:02}-{}", "x".repeat(5000))).await
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    Arc::into_inner(host).unwrap().shutdown(Duration::from_secs(5)).await;
    let lines = app.lines.lock().unwrap();
    for n in 0..40 {
        for (stream, word) in [(Stream::Out, "out"), (Stream::Err, "err"), (Stream::Out, "three")] {
            let line = ("guest".to_owned(), stream, format!("{word} {n:02}-{}", "x".repeat(5000)));
            assert_eq!(lines.iter().filter(|seen| **seen == line).count(), 1, "{word} {n}");
        }
    }
    assert_eq!(lines.len(), 120);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portable_component_runs() {
    let app = App::with(&[], false);
    let host = app.start().await;
    assert!(text(&host, "/seen").await.contains("path /seen"));
    assert_eq!(call_text(&host, "/kv/default/keys").await.0, 404);
}
