import gzip
import hashlib
import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from uticket.base.errors import InputError
from uticket.config.params import Data
from uticket.data.prepared import ImageSet, Prepared, load, save
from uticket.data.sources import prepare


def settings(name: str, path: Path | str = "data/images", **others: object) -> Data:
    return Data(**{"name": name, "path": str(path), "size": 8, "channels": 3, "test_share": 0.25} | others)


# --- the embedded digits


def test_digits_are_split_by_seed_with_every_image_once(tmp_path):
    one, same, other = (prepare(settings("digits"), tmp_path, seed) for seed in (0, 0, 1))
    assert one.image_shape == (1, 8, 8)
    assert (len(one.train.labels), len(one.test.labels), len(one.classes)) == (1437, 360, 10)
    assert (one.train.images.min(), one.train.images.max()) == (0, 255)
    assert np.array_equal(one.test.images, same.test.images)
    assert not np.array_equal(one.test.labels, other.test.labels)
    assert np.bincount(one.test.labels).min() >= 34  # of every class in proportion

    def shades(data: Prepared) -> list[bytes]:
        return sorted(image.tobytes() for part in (data.train, data.test) for image in part.images)

    assert shades(one) == shades(other)


# --- folders of images


def paint(path: Path, shade: int, size: tuple[int, int] = (8, 8), mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, shade if mode == "L" else (shade, 0, 255 - shade)).save(path)


def test_folder_with_train_and_test_is_read_class_by_class(tmp_path):
    for part, count in (("train", 3), ("test", 1)):
        for number in range(count):
            paint(tmp_path / part / "cat" / f"{number}.png", 10 + number)
            paint(tmp_path / part / "ant" / f"{number}.png", 200, size=(16, 4))
    data = prepare(settings("folder", tmp_path), tmp_path, seed=0)
    assert data.classes == ("ant", "cat")
    assert data.train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert data.train.images.shape == (6, 3, 8, 8)
    assert data.train.images[4, :, 0, 0].tolist() == [11, 0, 244]
    assert (data.test.images[0, 0] == 200).all()  # another size, resized


def test_folder_without_test_holds_out_a_share_of_each_class(tmp_path):
    for name in ("a", "b"):
        for number in range(8):
            paint(tmp_path / name / f"{number}.png", number, mode="L")
    data = prepare(settings("folder", tmp_path, channels=1), tmp_path, seed=0)
    assert np.bincount(data.train.labels).tolist() == [6, 6]
    assert np.bincount(data.test.labels).tolist() == [2, 2]
    shades = np.concatenate([data.train.images, data.test.images])[:, 0, 0, 0]
    assert sorted(shades.tolist()) == sorted(2 * list(range(8)))


def test_damaged_image_is_named(tmp_path):
    for number in range(4):
        paint(tmp_path / "a" / f"{number}.jpg", number, size=(64, 64))
        paint(tmp_path / "b" / f"{number}.jpg", number, size=(64, 64))
    whole = (tmp_path / "b" / "2.jpg").read_bytes()
    for damage in (whole[: len(whole) // 2], b"not an image", b""):
        (tmp_path / "b" / "2.jpg").write_bytes(damage)
        with pytest.raises(InputError, match=r"b/2.jpg: expected an image, came: ") as error:
            prepare(settings("folder", tmp_path), tmp_path, seed=0)
        assert "\n" not in error.value.message


def test_folders_that_are_no_image_folder_are_told(tmp_path):
    with pytest.raises(InputError, match="nowhere: expected one folder of images per class"):
        prepare(settings("folder", tmp_path / "nowhere"), tmp_path, seed=0)
    (tmp_path / "empty" / "a").mkdir(parents=True)
    with pytest.raises(InputError, match="empty: expected one folder of images per class, came: .*class.* a"):
        prepare(settings("folder", tmp_path / "empty"), tmp_path, seed=0)
    paint(tmp_path / "odd" / "train" / "a" / "0.png", 1)
    paint(tmp_path / "odd" / "test" / "b" / "0.png", 1)
    with pytest.raises(InputError, match="odd: expected the same classes in train and test, came 'a' in one of them"):
        prepare(settings("folder", tmp_path / "odd"), tmp_path, seed=0)
    for part in ("train", "test"):
        paint(tmp_path / f"only-{part}" / part / "a" / "0.png", 1)
        with pytest.raises(InputError, match=f"only-{part}: expected both train and test folders"):
            prepare(settings("folder", tmp_path / f"only-{part}"), tmp_path, seed=0)
    paint(tmp_path / "few" / "a" / "0.png", 1)
    paint(tmp_path / "few" / "b" / "0.png", 1)
    with pytest.raises(InputError, match="data set folder: "):
        prepare(settings("folder", tmp_path / "few"), tmp_path, seed=0)


def test_sixteen_bit_grey_is_scaled_and_unbounded_pixels_are_told(tmp_path):
    for number in range(4):
        for name in "ab":
            path = tmp_path / name / f"{number}.png"
            path.parent.mkdir(exist_ok=True)
            Image.fromarray(np.full((8, 8), 257 * number * 10, dtype=np.uint16)).save(path)
    data = prepare(settings("folder", tmp_path, channels=1), tmp_path, seed=0)
    assert set(np.unique([*data.train.images, *data.test.images])) == {0, 10, 20, 30}
    Image.fromarray(np.full((8, 8), 0.5, dtype=np.float32)).save(tmp_path / "a" / "4.tiff")
    with pytest.raises(InputError, match="a/4.tiff: expected an image, came: pixels of mode F"):
        prepare(settings("folder", tmp_path), tmp_path, seed=0)


def test_image_that_claims_to_be_huge_is_named(tmp_path, monkeypatch):
    paint(tmp_path / "a" / "0.png", 1, size=(64, 64))
    paint(tmp_path / "b" / "0.png", 1)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(InputError, match="a/0.png: expected an image, came: Image size"):
        prepare(settings("folder", tmp_path), tmp_path, seed=0)


# --- downloads: small archives in the published formats, with checksums to match


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


def images(count: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, *shape), dtype=np.uint8)


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
    assert f"download http://127.0.0.1:9/{cifar10.name} by hand and put it at {cifar10}" in error.value.message
    assert "\n" not in error.value.message
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


# --- prepared files


def made_up(labels: list[int], classes: int = 2) -> Prepared:
    images_ = images(len(labels), 1, 4, 4)
    part = ImageSet(images_, np.array(labels, dtype=np.int64))
    return Prepared("made-up", tuple("abcdef"[:classes]), part, part)


def test_prepared_images_are_loaded_as_saved_with_the_same_bytes(tmp_path):
    data = made_up([0, 1, 1])
    for folder in ("one", "two"):
        save(data, tmp_path / folder)
    loaded = load(tmp_path / "one")
    assert loaded.classes == data.classes
    assert np.array_equal(loaded.test.images, data.test.images)
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()


def test_file_cut_in_half_is_named(tmp_path):
    save(made_up([0, 1, 1]), tmp_path)
    for name in ("train.npz", "about.json"):
        whole = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(InputError, match=f"{name}: expected prepared images, came"):
            load(tmp_path)
        (tmp_path / name).write_bytes(whole)
    (tmp_path / "test.npz").unlink()
    with pytest.raises(InputError, match=r"test.npz: expected prepared images, came no file; run the stage data"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("labels", "classes", "told"),
    [
        ([0, 2], 2, "training set: expected labels 0 to 1"),
        ([0, 0], 2, "expected images of every class, came none of 'b'"),
        ([0, 0], 1, "classes: expected at least 2, came 1"),
        ([], 2, "training set: expected images, came none"),
    ],
)
def test_images_and_labels_that_do_not_fit_are_told(labels, classes, told):
    with pytest.raises(ValueError, match=told):
        made_up(labels, classes)
