from .architectures import (
    BUILDERS as BUILDERS,
    alexnet as alexnet,
    build as build,
    cellnet as cellnet,
    lenet as lenet,
)
from .backend import (
    keras as keras,
    tf as tf,
)
from .cluster import (
    scheduler_at as scheduler_at,
    train_on as train_on,
    with_joblib_on as with_joblib_on,
)
from .runs import (
    ENDS_WITH_PARENT as ENDS_WITH_PARENT,
    RECORD as RECORD,
    Run as Run,
    load_or_compute_run as load_or_compute_run,
)
from .training import (
    fit as fit,
    precision_of as precision_of,
    predict_probabilities as predict_probabilities,
    prepare as prepare,
    train as train,
)
