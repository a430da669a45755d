"""huggingface_hub against the server at HF_ENDPOINT, in two halves: client.py upload|download WORK."""
import hashlib
import pathlib
import sys

import huggingface_hub
from huggingface_hub import CommitOperationAdd, HfApi, snapshot_download
from huggingface_hub.utils import (
    EntryNotFoundError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

REPO = "alice/py"
half, work = sys.argv[1], pathlib.Path(sys.argv[2])
source = work / "python-source"
api = HfApi()  # HF_TOKEN
nobody = HfApi(token=False)


def refused(kind, call):
    try:
        call()
    except kind as error:
        return error.response.status_code
    raise AssertionError(f"expected {kind.__name__}")


def files(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def upload():
    assert api.whoami()["name"] == "alice"
    api.create_repo(REPO, private=True)
    api.create_repo(REPO, exist_ok=True)
    assert refused(HfHubHTTPError, lambda: api.create_repo("bob/py")) == 403

    (source / "sub").mkdir(parents=True)
    (source / "README.md").write_text("---\nlicense: mit\n---\n# A model\n")
    (source / "config.json").write_text('{"model_type":"gpt2"}\n')
    (source / "model.safetensors").write_bytes(bytes(range(251)) * (40 * 1024 * 1024 // 251))
    (source / "sub" / "empty.txt").touch()
    commit = api.upload_folder(repo_id=REPO, folder_path=source)
    assert api.upload_folder(repo_id=REPO, folder_path=source).oid == commit.oid, "nothing has changed"
    late = [CommitOperationAdd("late.txt", b"x")]
    stale = lambda: api.create_commit(REPO, late, commit_message="late", parent_commit="0" * 40)
    assert refused(HfHubHTTPError, stale) == 412


def download():
    snapshot = pathlib.Path(snapshot_download(REPO))
    found = files(snapshot)
    found.pop(".gitattributes")
    assert found == files(source), found
    info = api.model_info(REPO, files_metadata=True)
    assert info.private and snapshot.name == info.sha
    model = next(file for file in info.siblings if file.rfilename == "model.safetensors")
    assert model.lfs.sha256 == found["model.safetensors"]
    listed = [entry.path for entry in api.list_repo_tree(REPO, recursive=True, expand=True)]
    assert listed == [".gitattributes", "README.md", "config.json", "model.safetensors", "sub", "sub/empty.txt"]
    assert [entry.path for entry in api.get_paths_info(REPO, ["config.json", "none"])] == ["config.json"]
    assert [ref.name for ref in api.list_repo_refs(REPO).branches] == ["main"]
    assert len(api.list_repo_commits(REPO)) == 2

    assert refused(RepositoryNotFoundError, lambda: nobody.model_info(REPO)) == 401
    assert refused(RepositoryNotFoundError, lambda: api.model_info("alice/none")) == 404
    assert refused(RevisionNotFoundError, lambda: api.model_info(REPO, revision="v9")) == 404
    assert refused(EntryNotFoundError, lambda: api.hf_hub_download(REPO, "none")) == 404
    api.update_repo_settings(REPO, private=False)
    assert nobody.model_info(REPO).private is False
    api.delete_folder("sub", REPO)
    api.delete_file("config.json", REPO)
    assert api.list_repo_files(REPO) == [".gitattributes", "README.md", "model.safetensors"]
    api.delete_repo(REPO)
    assert not api.repo_exists(REPO)


{"upload": upload, "download": download}[half]()
print(f"huggingface_hub {huggingface_hub.__version__}: {half} passed")
