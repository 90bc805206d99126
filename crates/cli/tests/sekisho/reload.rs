use super::{PolicyCopy, root, run, sekisho};
use http::{Request, StatusCode};
use sekisho_testing::body;
use sekisho_testing::client::Client;
use std::io::{BufRead as _, BufReader, Lines};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, Command, Stdio};

/// A running gateway that ends with the test.
struct Up {
    child: Child,
    said: Lines<BufReader<ChildStderr>>,
    client: Client,
    /// Of its own, because the tests run gateways of one manifest at once.
    trail: tempfile::TempDir,
}

impl Up {
    fn start(policy: &PolicyCopy, more: &[&str]) -> Self {
        let manifest = sekisho_host::Manifest::load(&root().join("spin.toml")).unwrap();
        sekisho::component::build_all(&manifest).map_err(|failure| format!("{failure:?}")).unwrap();
        let trail = tempfile::tempdir().unwrap();
        let mut child = sekisho()
            .args(["up", "--audit", trail.path().to_str().unwrap()])
            .args([
                "--baseline",
                "--listen",
                "127.0.0.1:0",
                "--state",
                "memory",
                "--policy",
                policy.path(),
            ])
            .args(more)
            .current_dir(root())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        let ready = wait_for(&mut said, "listening on https://");
        let addr =
            ready.split(['/', ' ']).find_map(|word| word.parse::<SocketAddr>().ok()).unwrap();
        let ca = std::fs::read_to_string(root().join(".sekisho/dev-ca/ca.pem")).unwrap();
        Self { child, said, client: Client::plain(addr).trusting(&ca).unwrap(), trail }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    async fn status(&self, host: &str) -> StatusCode {
        let request = Request::get(format!("https://{host}/nowhere")).body(body::empty()).unwrap();
        self.client.send(request).await.unwrap().status()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait_for(said: &mut Lines<BufReader<ChildStderr>>, text: &str) -> String {
    let mut all = Vec::new();
    for line in said.map_while(Result::ok) {
        if line.contains(text) {
            return line;
        }
        all.push(line);
    }
    panic!("it ended without saying {text:?}: {all:#?}");
}

#[tokio::test]
async fn an_edit_is_in_force_from_the_signal_on_if_it_is_sound() {
    let policy = PolicyCopy::new();
    let mut up = Up::start(&policy, &[]);
    let (acme, moved) = ("acme.localhost", "localhost");
    let is_tenant = async |up: &Up, host: &str| {
        // An unknown tenant and an unknown route look alike on purpose; a known route does not.
        let request = Request::get(format!("https://{host}/api/assistants")).body(body::empty());
        up.client.send(request.unwrap()).await.unwrap().status() == StatusCode::UNAUTHORIZED
    };
    assert!(is_tenant(&up, acme).await && !is_tenant(&up, moved).await);
    assert_eq!(up.status(acme).await, StatusCode::NOT_FOUND);

    policy.replace("tenants/acme.toml", acme, moved);
    assert!(is_tenant(&up, acme).await, "an edit alone changes nothing");

    policy.replace("tenants/acme.toml", "regions", "regons");
    up.signal("HUP");
    wait_for(&mut up.said, "did you mean \"regions\"?");
    wait_for(&mut up.said, "stays in force");
    assert!(is_tenant(&up, acme).await && !is_tenant(&up, moved).await);

    policy.replace("tenants/acme.toml", "regons", "regions");
    up.signal("HUP");
    wait_for(&mut up.said, "is in force");
    assert!(is_tenant(&up, moved).await && !is_tenant(&up, acme).await);

    up.signal("TERM");
    wait_for(&mut up.said, "ending");
    assert_eq!(up.child.wait().unwrap().code(), Some(0));
}

/// Keys are read again with the policy, and it is said what becomes of those before.
#[tokio::test]
async fn keys_are_in_force_from_the_signal_on_if_they_are_sound() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("keys.json");
    let path = file.to_str().unwrap();
    run(&["keys", "new", path]).succeeded();
    let policy = PolicyCopy::new();
    policy.replace(
        "gateway.toml",
        "[state]\n",
        "[[routes]]\nid = \"keys\"\npath = \"/keys\"\nmethods = [\"GET\"]\npublic = true\n\
         answer = \"jwks\"\n\n[state]\n",
    );
    let mut up = Up::start(&policy, &["--keys", path]);
    let published = async |up: &Up| {
        let request = Request::get("https://acme.localhost/keys").body(body::empty()).unwrap();
        let answer = up.client.send(request).await.unwrap();
        let text = body::read(answer.into_body(), 1 << 16).await.unwrap();
        serde_json::from_slice::<serde_json::Value>(&text).unwrap()
    };
    let kids = |set: &serde_json::Value| -> Vec<String> {
        let keys = set["keys"].as_array().unwrap().iter();
        keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    };
    let before = kids(&published(&up).await);
    assert_eq!(before.len(), 2);

    std::fs::write(&file, "S3CRET").unwrap();
    up.signal("HUP");
    wait_for(&mut up.said, "keys.json: not strict JSON");
    wait_for(&mut up.said, "nothing changed");
    assert_eq!(kids(&published(&up).await), before);

    // As if the file had been stolen: new keys, and the old ones are worth nothing.
    std::fs::remove_file(&file).unwrap();
    run(&["keys", "new", path]).succeeded();
    up.signal("HUP");
    wait_for(&mut up.said, "own keys are others now");
    let gone = wait_for(&mut up.said, "has gone; what it signed is refused");
    assert!(gone.contains(&before[0]), "{gone}");
    wait_for(&mut up.said, "is in force");
    let after = kids(&published(&up).await);
    assert!(after.len() == 2 && after.iter().all(|kid| !before.contains(kid)), "{after:?}");

    run(&["keys", "rotate", "--now", path]).succeeded();
    up.signal("HUP");
    wait_for(&mut up.said, "own keys are others now");
    wait_for(&mut up.said, "is in force");
    let rotated = kids(&published(&up).await);
    assert_eq!((&rotated[..2], rotated.len()), (&after[..], 3));

    // The first checkpoint is by the stolen key, and the last one by the key that is current now.
    up.signal("TERM");
    assert_eq!(up.child.wait().unwrap().code(), Some(0));
    let ran = run(&["audit", "verify", up.trail.path().to_str().unwrap(), "--keys", path]);
    assert_eq!(ran.code, Some(3), "{}", ran.out);
    assert!(ran.out.contains("2 signed checkpoints"), "{}", ran.out);
    assert_eq!(ran.out.matches("which is none of the keys given").count(), 1, "{}", ran.out);
    assert!(ran.out.contains(&before[0]), "{}", ran.out);
}
