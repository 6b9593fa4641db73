"""The data sets by name: embedded, downloaded through torchvision, of event cameras, or a folder of one's own."""

from pathlib import Path

from uticket.base.errors import InputError
from uticket.config.tables import DATA_SETS
from uticket.config.training import Data
from uticket.data.prepared import Prepared


def prepare(settings: Data, downloads: Path, seed: int, timesteps: int = 1) -> Prepared:
    """Return the checked images of the data set that `settings.name` names.

    downloads: where torchvision's files are kept, and those of the public event data. seed: decides which images are
    held out where the source does not say. timesteps: bins of time that a recording of events is cut into.
    Raises InputError, naming the file, if one is missing or damaged.
    """
    try:
        prepared: Prepared = DATA_SETS[settings.name](settings, downloads, seed, timesteps)
    except InputError:
        raise
    except ValueError as error:  # of Prepared, and of scikit-learn when there are too few images to split
        raise InputError(f"data set {settings.name}: {error}") from None
    return prepared
