"""The most similar chat of each chat, greetings and numbers aside."""

import re

import numpy as np
from sklearn.utils import gen_batches

from chatkit.text.counts import TermCounter
from chatkit.text.weights import TermWeights

ROWS = 500  # compared at a time
_GREETING = re.compile(r"(?i)^\s*(?:hi|hello|hey|dear|good (?:morning|afternoon|evening))\b[^\n,.!?]{0,30}[\n,.!?]+")
# Spaces, but no line break, before the first word: to look for it behind each of many breaks would be quadratic.
_SIGNATURE = re.compile(r"(?is)\n[^\S\n]*(?:kind |best |many )?(?:regards|thank(?:s| you)|cheers|sincerely)\b.{0,80}\Z")


def shingles(texts):
    """Weigh words and pairs of words; numbers, amounts, dates and addresses are masked, greeting and signature gone.

    Parameters
    ----------
    texts : list of str

    Returns
    -------
    weights : scipy.sparse.csr_matrix of shape (n, d), dtype float32
        Sublinear TF-IDF, rows of length 1.
    words : ndarray of int of shape (n,)
        Words in each text.
    """
    bare = [_SIGNATURE.sub("", _GREETING.sub("", text)) for text in texts]
    counts = TermCounter(stop_words=None, lemmatizer="none", min_df=1).fit_transform(bare)
    # n words have n - 1 pairs.
    words = (np.asarray(counts.sum(axis=1)).ravel() + 1) // 2
    return TermWeights(sublinear_tf=True).fit_transform(counts).astype(np.float32), words


def nearest(rows, others):
    """Find the most similar of the others.

    Parameters
    ----------
    rows : scipy.sparse.csr_matrix of shape (n, d)
        From `shingles`.
    others : scipy.sparse.csr_matrix of shape (m, d)
        From the same call. When it is `rows` itself, a row is not its own neighbour.

    Returns
    -------
    cosine : ndarray of float32 of shape (n,)
    position : ndarray of int of shape (n,)
        Row of `others`.
    """
    transposed = others.T.tocsr()
    cosine, position = np.empty(rows.shape[0], np.float32), np.empty(rows.shape[0], np.int64)
    for batch in gen_batches(rows.shape[0], ROWS):
        block = (rows[batch] @ transposed).toarray()
        if rows is others:
            np.fill_diagonal(block[:, batch], -1)
        position[batch], cosine[batch] = block.argmax(axis=1), block.max(axis=1)
    return cosine, position
