//! Where results are kept.

use std::collections::BTreeMap;

use config::{Artifacts, ExposeSecret, Role};
use insta::assert_snapshot;

use super::{RIGHT, mistake, read};

const KEYS: &str = "access_key: \"${env:S3_ID}\", secret_key: \"${env:S3_KEY}\"";

fn wrong(artifacts: &str) -> String {
    mistake(&format!("{RIGHT}artifacts: {artifacts}\n"))
}

#[test]
fn mistakes() {
    assert_snapshot!("artifacts_without_keys", wrong("s3://bucket/prefix"));
    assert_snapshot!("artifacts_without_url", wrong(&format!("{{ {KEYS} }}")));
    assert_snapshot!("artifacts_half_a_key", wrong("{ url: s3://bucket, access_key: \"${env:S3_ID}\" }"));
    assert_snapshot!("artifacts_way_up", wrong(&format!("{{ url: s3://bucket/../other, {KEYS} }}")));
    assert_snapshot!(
        "artifacts_in_clear",
        wrong(&format!("{{ url: s3://bucket, endpoint: \"http://minio:9000\", {KEYS} }}"))
    );
    assert_snapshot!("artifacts_secret", wrong("{ url: s3://bucket, secret_key: hunter2hunter2 }"));
    assert_snapshot!("artifacts_key", wrong("{ url: s3://bucket, allow_http: true }"));
}

#[test]
fn a_bucket_or_a_folder() {
    let text = format!(
        "{RIGHT}data_dir: /srv/data\nartifacts: {{ url: s3://bucket//a/b/, endpoint: \"http://minio:9000/\", insecure: true, {KEYS} }}\n"
    );
    let artifacts =
        |text: &str, variables: &[(&str, &str)]| read(text, variables).unwrap().settings.artifacts;
    let Artifacts::S3(s3) = artifacts(&text, &[("PULLWRIGHT__ARTIFACTS__REGION", "eu-central-1")]) else {
        panic!("no bucket")
    };
    assert_eq!(
        (s3.bucket.as_str(), s3.prefix.as_str(), s3.region.as_str()),
        ("bucket", "a/b", "eu-central-1")
    );
    assert_eq!(s3.endpoint.as_deref(), Some("http://minio:9000"));
    assert_eq!(
        artifacts(&text, &[("PULLWRIGHT__ARTIFACTS", "/mnt/shared")]),
        Artifacts::Folder("/mnt/shared".into())
    );
    assert_eq!(
        artifacts(&format!("{RIGHT}data_dir: /srv/data\n"), &[]),
        Artifacts::Folder("/srv/data/artifacts".into())
    );
}

#[test]
fn only_who_writes_holds_the_key() {
    let loaded = read(&format!("{RIGHT}artifacts: {{ url: s3://bucket, {KEYS} }}\n"), &[]).unwrap();
    let env = |names: &[&str]| -> BTreeMap<String, String> {
        names.iter().map(|name| ((*name).to_owned(), format!("{name} value"))).collect()
    };
    for role in [Role::Up, Role::Dispatcher] {
        let mut names = vec!["TOKEN", "S3_ID", "S3_KEY"];
        names.extend((role == Role::Up).then_some("HOOK"));
        let key = loaded.secrets(role, &env(&names)).unwrap().artifacts.unwrap();
        assert_eq!(key.access_key.expose_secret(), "S3_ID value");
        assert_eq!(key.secret_key.expose_secret(), "S3_KEY value");
        names.retain(|name| *name != "S3_KEY");
        loaded.secrets(role, &env(&names)).unwrap_err();
    }
    for (role, own) in [(Role::Ingress, vec!["HOOK"]), (Role::Worker, vec![])] {
        assert!(loaded.secrets(role, &env(&own)).unwrap().artifacts.is_none());
        let too_much: Vec<_> = own.into_iter().chain(["S3_KEY"]).collect();
        let error = loaded.secrets(role, &env(&too_much)).unwrap_err();
        assert!(error.to_string().contains("the key of the artifact store"), "{error}");
    }
}
