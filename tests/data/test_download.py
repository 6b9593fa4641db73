"""Small archives in the published formats, with checksums to match."""

import gzip
import hashlib
import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from tests.data.helpers import images, settings
from uticket.base.errors import InputError
from uticket.data.sources import prepare


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.fixture
def cifar10(tmp_path, monkeypatch) -> Path:
    """cifar-10-python.tar.gz with ten training and two test images."""
    from torchvision.datasets import CIFAR10

    def packed(content: object) -> bytes:
        return pickle.dumps(content)

    rows = images(12, 3072)
    members = {"batches.meta": packed({"label_names": ["cat", "dog"]})}
    for number in range(5):
        part = slice(2 * number, 2 * number + 2)
        members[f"data_batch_{number + 1}"] = packed({"data": rows[part], "labels": [0, 1]})
    members["test_batch"] = packed({"data": rows[10:], "labels": [1, 0]})
    archive = tmp_path / CIFAR10.filename
    with tarfile.open(archive, "w:gz") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(f"{CIFAR10.base_folder}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    sums = {name: hashlib.md5(content).hexdigest() for name, content in members.items()}
    monkeypatch.setattr(CIFAR10, "tgz_md5", md5(archive))
    monkeypatch.setattr(CIFAR10, "train_list", [[name, s] for name, s in sums.items() if name.startswith("data")])
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", sums["test_batch"]]])
    monkeypatch.setattr(CIFAR10, "meta", CIFAR10.meta | {"md5": sums["batches.meta"]})
    monkeypatch.setattr(CIFAR10, "url", "http://127.0.0.1:9/cifar-10-python.tar.gz")  # nobody answers there
    return archive


def test_cifar10_is_read_from_its_archive(cifar10, tmp_path):
    data = prepare(settings("cifar10"), tmp_path, seed=0)
    assert data.classes == ("cat", "dog")
    assert data.train.images.shape == (10, 3, 32, 32)
    assert np.array_equal(data.train.images.reshape(10, -1), images(12, 3072)[:10])
    assert data.test.labels.tolist() == [1, 0]


def test_what_was_unpacked_and_then_damaged_is_unpacked_again(cifar10, tmp_path):
    prepare(settings("cifar10"), tmp_path, seed=0)
    (tmp_path / "cifar-10-batches-py" / "data_batch_3").write_bytes(b"half")
    assert len(prepare(settings("cifar10"), tmp_path, seed=0).train.labels) == 10


def test_damaged_archive_is_named_and_left_alone(cifar10, tmp_path):
    cifar10.write_bytes(cifar10.read_bytes()[:500])
    with pytest.raises(InputError, match=r"cifar-10-python.tar.gz: expected the file of http.* with MD5 .* damaged"):
        prepare(settings("cifar10"), tmp_path, seed=0)
    assert cifar10.stat().st_size == 500


def test_without_a_network_the_error_says_what_to_download_and_where_to_put_it(cifar10, tmp_path):
    cifar10.unlink()
    with pytest.raises(InputError) as error:
        prepare(settings("cifar10"), tmp_path, seed=0)
    assert f"download http://127.0.0.1:9/{cifar10.name} by hand and put it at {cifar10}" in str(error.value)
    assert "\n" not in str(error.value)
    assert not cifar10.exists()


def test_fashion_mnist_is_resized_to_32(tmp_path, monkeypatch):
    from torchvision.datasets import FashionMNIST

    raw, resources = tmp_path / "FashionMNIST" / "raw", []
    raw.mkdir(parents=True)
    for prefix, count in (("train", 20), ("t10k", 10)):
        pixels, labels = images(count, 28, 28), np.arange(count, dtype=np.uint8) % 10
        for name, magic, array in (("images-idx3", 2051, pixels), ("labels-idx1", 2049, labels)):
            path = raw / f"{prefix}-{name}-ubyte.gz"
            header = np.array([magic, *array.shape], dtype=">i4").tobytes()
            path.write_bytes(gzip.compress(header + array.tobytes()))
            resources.append((path.name, md5(path)))
    monkeypatch.setattr(FashionMNIST, "resources", resources)
    data = prepare(settings("fashion_mnist"), tmp_path, seed=0)
    assert data.train.images.shape == (20, 1, 32, 32)
    assert len(data.classes) == 10
    assert abs(float(data.train.images.mean()) - float(images(20, 28, 28).mean())) < 2
    (tmp_path / "FashionMNIST" / "processed").mkdir()
    with pytest.raises(InputError, match="processed: expected no such folder"):
        prepare(settings("fashion_mnist"), tmp_path, seed=0)
    (tmp_path / "FashionMNIST" / "processed").rmdir()
    (raw / "t10k-labels-idx1-ubyte.gz").write_bytes(b"half")
    with pytest.raises(InputError, match=r"t10k-labels-idx1-ubyte.gz: expected the file of"):
        prepare(settings("fashion_mnist"), tmp_path, seed=0)


def test_svhn_digit_10_is_zero(tmp_path, monkeypatch):
    from torchvision.datasets import SVHN

    listed = {}
    for part in ("train", "test"):
        path = tmp_path / f"{part}_32x32.mat"
        pixels = images(10, 3, 32, 32).transpose(2, 3, 1, 0)
        savemat(path, {"X": pixels, "y": np.arange(1, 11, dtype=np.uint8)[:, None]})
        listed[part] = ["http://127.0.0.1:9/", path.name, md5(path)]
    monkeypatch.setattr(SVHN, "split_list", listed)
    data = prepare(settings("svhn"), tmp_path, seed=0)
    assert data.train.labels.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]
    assert np.array_equal(data.train.images, images(10, 3, 32, 32))
