//! A server that speaks the S3 protocol: moto, found as `moto_server` or by `PULLWRIGHT_MOTO_SERVER`.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use artifacts::{ArtifactError, Artifacts, Bucket};
use bytes::Bytes;

const BUCKET: &str = "artifacts";
/// By this the server sees which service is meant; the signature is not looked at yet.
const IAM: &str =
    "Authorization: AWS4-HMAC-SHA256 Credential=x/20261127/eu-central-1/iam/aws4_request, Signature=x\r\n";

/// A running server with an empty bucket.
struct Server {
    child: Child,
    port: u16,
    /// Where it says what it was asked.
    log: tempfile::NamedTempFile,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// `None`, with the reason printed, on a machine without one.
    async fn start() -> Option<Self> {
        let program = std::env::var("PULLWRIGHT_MOTO_SERVER").unwrap_or_else(|_| "moto_server".to_owned());
        let log = tempfile::NamedTempFile::new().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let started = Command::new(&program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(log.reopen().unwrap())
            .spawn();
        let child = match started {
            Ok(child) => child,
            Err(error) => {
                let required = std::env::var("PULLWRIGHT_REQUIRE_S3").is_ok_and(|value| value == "1");
                assert!(!required, "{program} cannot be started ({error}), and PULLWRIGHT_REQUIRE_S3 is 1");
                println!("skipped: {program} cannot be started: {error}");
                return None;
            }
        };
        let server = Self { child, port, log };
        let up = async {
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), up).await.expect("the S3 server does not listen");
        server.say(&format!("PUT /{BUCKET}"), "", "");
        Some(server)
    }

    /// One request, and its answer.
    fn say(&self, what: &str, more: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let head = format!("{what} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{more}");
        let kind = if body.contains('=') { "application/x-www-form-urlencoded" } else { "text/plain" };
        let about = format!("Content-Type: {kind}\r\nContent-Length: {}", body.len());
        write!(stream, "{head}{about}\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{what}: {answer}");
        answer
    }

    /// From now on it takes what this user has signed, and nothing else: id and secret of the key.
    fn check_signatures(&self) -> (String, String) {
        let ask = |action: &str| {
            let form = format!("Version=2010-05-08&UserName=pullwright&Action={action}");
            self.say("POST /", IAM, &form)
        };
        let policy =
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
        ask("CreateUser");
        ask(&format!("PutUserPolicy&PolicyName=all&PolicyDocument={}", escaped(policy)));
        let key = ask("CreateAccessKey");
        let of = |name: &str| {
            let rest = key.split_once(&format!("<{name}>")).expect(&key).1;
            rest.split_once('<').unwrap().0.to_owned()
        };
        self.say("POST /moto-api/reset-auth", "", "0");
        (of("AccessKeyId"), of("SecretAccessKey"))
    }

    fn bucket(&self, name: &str, prefix: &str) -> Artifacts {
        bucket(self.port, name, prefix, ("the-id", "the-key"))
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.log.path()).unwrap()
    }
}

/// A text as a form has it.
fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn bucket(port: u16, name: &str, prefix: &str, (id, secret): (&str, &str)) -> Artifacts {
    Artifacts::bucket(&Bucket {
        name: name.to_owned(),
        prefix: prefix.to_owned(),
        endpoint: Some(format!("http://127.0.0.1:{port}")),
        region: "eu-central-1".to_owned(),
        access_key: id.to_owned().into(),
        secret_key: secret.to_owned().into(),
    })
    .unwrap()
}

#[tokio::test]
async fn in_a_bucket() {
    let Some(server) = Server::start().await else { return };
    super::promises(server.bucket(BUCKET, "")).await;
    super::promises(server.bucket(BUCKET, "some/prefix")).await;
    let log = server.log();
    assert!(log.contains("PUT /artifacts/some/prefix/results/a/1 "), "{log}");
}

#[tokio::test]
async fn where_signatures_are_checked() {
    let Some(server) = Server::start().await else { return };
    let (id, secret) = server.check_signatures();
    // Of a list this server checks another address than it was sent.
    let store = bucket(server.port, BUCKET, "some/prefix", (&id, &secret));
    store.put("results/a", Bytes::from_static(b"x")).await.unwrap();
    assert_eq!(store.get("results/a", 9).await.unwrap(), "x");
    store.probe("doctor/x").await.unwrap();
    store.delete("results/a").await.unwrap();
    assert!(matches!(store.get("results/a", 9).await, Err(ArtifactError::Missing(_))));
    let forged = bucket(server.port, BUCKET, "", (&id, "another-key"));
    let error = forged.put("results/a", Bytes::from_static(b"x")).await.unwrap_err();
    assert!(format!("{error:?}").contains("SignatureDoesNotMatch"), "{error:?}");
    assert!(!format!("{error:?}").contains("another-key"), "{error:?}");
}

#[tokio::test]
async fn a_prefix_is_a_wall() {
    let Some(server) = Server::start().await else { return };
    let (one, other) = (server.bucket(BUCKET, "one"), server.bucket(BUCKET, "other"));
    one.put("results/a", Bytes::from_static(b"x")).await.unwrap();
    assert!(matches!(other.get("results/a", 9).await, Err(ArtifactError::Missing(_))));
    assert_eq!(other.list("results", 9).await.unwrap(), []);
}

#[tokio::test]
async fn a_bucket_that_is_not_there() {
    let Some(server) = Server::start().await else { return };
    let error = server.bucket("nowhere", "").probe("doctor/x").await.unwrap_err();
    assert!(format!("{error:?}").contains("NoSuchBucket"), "{error:?}");
    assert!(!format!("{error:?}").contains("the-key"), "{error:?}");
}

#[tokio::test]
async fn a_store_that_is_away_is_given_up_soon() {
    // Nobody listens there any more.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let store = bucket(port, BUCKET, "", ("the-id", "the-key"));
    let put = tokio::time::timeout(Duration::from_secs(30), store.put("a", Bytes::from_static(b"x"))).await;
    let put = put.expect("it waits for ever");
    assert!(matches!(put, Err(ArtifactError::Store(_) | ArtifactError::TimedOut)), "{put:?}");
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_given_up_soon() {
    // It takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let store = bucket(silent.local_addr().unwrap().port(), BUCKET, "", ("the-id", "the-key"));
    let get = tokio::time::timeout(Duration::from_secs(30), store.get("a", 1)).await;
    let get = get.expect("it waits for ever");
    assert!(matches!(get, Err(ArtifactError::Store(_) | ArtifactError::TimedOut)), "{get:?}");
}
