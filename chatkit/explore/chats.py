"""The chats of a history, to be searched, compared, grouped and tried rules on."""

from functools import cached_property

import numpy as np
import pandas as pd
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from chatkit import plots
from chatkit.checks.neighbours import nearest, shingles
from chatkit.data.summary import category_sizes, weekly_counts
from chatkit.explore.chat_map import ChatMap
from chatkit.explore.rules import Rule
from chatkit.explore.search import Hits
from chatkit.explore.tables import NO_MARKS, Shown
from chatkit.explore.topics import Topics
from chatkit.model.pipeline import make_pipeline
from chatkit.plots import style
from chatkit.project import InputError
from chatkit.scores.errors import LONGEST, likely_categories, suspected_labels
from chatkit.statistics import DECIMALS
from chatkit.text.clean import excerpt
from chatkit.text.exact import log
from chatkit.text.messages import JOINT, MESSAGE, MessagePreprocessor, texts
from chatkit.text.validation import as_frame

ROWS = 4000  # chats of which labels are doubted and near copies are looked for
FOLDS = 3
ALIKE = 0.6  # cosine of near copies, as in the check on duplicates


class Chats(Shown):
    """Chats that people have sorted, for exploring: in a notebook, the object by itself shows how many there are.

    Messages are shown with numbers and addresses masked; patterns see them as they are.

    Parameters
    ----------
    chats : pandas.DataFrame, or a table of polars or pyarrow
        With subject, body and category; created_at is used where it is there. Without id, the rows are numbered.
    seed : int, default=0
        Of all that is drawn.

    Attributes
    ----------
    frame : pandas.DataFrame
        The chats, index starting at 0.

    Raises
    ------
    InputError
        When there are no chats, or they lack a column or a category.

    Examples
    --------
    >>> frame = pd.DataFrame({"subject": ["Lost card", "Hours"] * 2, "body": ["Block it", "When?", "Help!", "Today?"]})
    >>> chats = Chats(frame.assign(category=["urgent", "other"] * 2))
    >>> chats
    4 chats in 2 categories, none without a subject.
    <BLANKLINE>
    category  chats share
       other      2 50.0%
      urgent      2 50.0%
    >>> chats.nearest("I lost my card")["message"].tolist()
    ['Lost card Block it', 'Lost card Help!']
    """

    def __init__(self, chats, seed=0):
        kind, chats = type(chats).__name__, as_frame(chats)
        missing = {*MESSAGE, "category"} - set(getattr(chats, "columns", ()))
        if missing or chats.empty or chats["category"].isna().any():
            raise InputError(
                f"Got {kind} without {', '.join(sorted(missing)) or 'rows, or with rows without a category'}, expected "
                "chats with subject, body and category; give such a table, or make one with `dvc repro query`."
            )
        chats = chats.reset_index(drop=True)
        chats[MESSAGE] = chats[MESSAGE].astype(object).fillna("")
        if "created_at" in chats:
            chats["created_at"] = pd.to_datetime(chats["created_at"], errors="coerce")
        self.frame, self.seed = chats if "id" in chats else chats.assign(id=chats.index), seed

    def __len__(self):
        return len(self.frame)

    def __getitem__(self, chat_id):
        rows = self.frame[self.frame["id"].astype(str) == str(chat_id)]
        if rows.empty:
            raise InputError(f"No chat has the id {chat_id!r}; ids here look like {self.frame['id'].iloc[0]!r}.")
        return rows.iloc[0]

    @cached_property
    def texts(self):
        """What patterns are looked for in, an ndarray of str: as for ``rules.yaml``, the subject is the first line."""
        messages = MessagePreprocessor().transform(self.frame)
        return np.array([text.replace(JOINT, "\n") for text in messages], dtype=object)

    @cached_property
    def pipeline(self):
        """Fitted steps from messages to weights of single words, stop words aside: things make chats alike."""
        steps = make_pipeline("linear_svc", ngram_range=(1, 1), stop_words="english")[:-1]
        try:
            return steps.fit(self.frame[MESSAGE])
        except ValueError:
            raise InputError(f"No word stands in two of these {len(self):,} chats; give more chats.") from None

    @cached_property
    def weights(self):
        """TF-IDF weights of the words of each chat, a sparse matrix with rows of length 1."""
        return self.pipeline.transform(self.frame[MESSAGE])

    @cached_property
    def words(self):
        """Words in the order of the columns of `weights`."""
        return self.pipeline.get_feature_names_out()

    def weeks(self, ax=None):
        """Draw the categories over time: see `chatkit.plots.chats_per_week`.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; by default a new figure.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        InputError
            When the chats carry no dates.
        """
        counts = weekly_counts(self.frame) if "created_at" in self.frame else pd.DataFrame()
        if counts.empty:
            raise InputError("The chats carry no dates; a column created_at would show them over time.")
        return plots.chats_per_week(counts, ax)

    def near_copies(self, n=10):
        """List pairs of chats that say nearly the same, among 4,000 chats at most.

        Parameters
        ----------
        n : int, default=10
            Pairs, the most alike first; no chat is the first of two.

        Returns
        -------
        pandas.DataFrame
            cosine, id, category, message, copy (the other chat's message), its category.
        """
        rows = self.sample(ROWS)
        weights, _ = shingles(self.texts[rows].tolist())
        cosine, copy = nearest(weights, weights)
        order = np.argsort(-cosine.round(6), kind="stable")
        # Two chats that are each other's nearest are one pair.
        order = [one for one in order if cosine[one] >= ALIKE and (copy[copy[one]] != one or one < copy[one])][:n]
        found, copies = (self.table(rows[some]) for some in (order, copy[order]))
        found.insert(0, "cosine", cosine[order].round(2))
        return found.assign(copy=copies["message"], **{"its category": copies["category"]})

    def doubtful_labels(self, n=10):
        """List chats whose category may be wrong, by confident learning, among 4,000 chats at most.

        A linear model that has not seen the chat gives its category a probability below 0.05, and another one a usual
        probability: see `chatkit.scores.errors.suspected_labels`. They are candidates, to be read by a person.

        Parameters
        ----------
        n : int, default=10
            Chats, the most doubtful first.

        Returns
        -------
        pandas.DataFrame
            id, category, message, looks like (the other category), probability (of that).

        Raises
        ------
        InputError
            When fewer than two categories have three chats.
        """
        rows = self.sample(ROWS)
        labels = self.frame["category"].to_numpy(object)[rows]
        often = (pd.Series(labels).groupby(labels).transform("size") >= FOLDS).to_numpy()
        rows, (names, codes) = rows[often], np.unique(labels[often].astype(str), return_inverse=True)
        if len(names) < 2:
            raise InputError(
                f"Fewer than two categories have {FOLDS} chats; labels are doubted by comparing categories."
            )
        model = SGDClassifier("log_loss", alpha=1e-5, max_iter=10, tol=None, average=True, random_state=self.seed)
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=self.seed)
        given = cross_val_predict(model, self.weights[rows], codes, cv=folds, method="predict_proba").round(DECIMALS)
        likely, probability, own = likely_categories(names[codes], given, names)
        suspected = suspected_labels(names[codes], given, names)
        order = np.argsort(np.where(suspected, own - probability, 1).round(DECIMALS), kind="stable")
        order = order[: min(n, suspected.sum())]
        found = {"looks like": names[likely[order]], "probability": probability[order].round(2)}
        return self.table(rows[order]).assign(**found)

    def search(self, pattern):
        """Find the chats with a phrase or a regular expression, without regard to case, as the rules do.

        Parameters
        ----------
        pattern : str

        Returns
        -------
        chatkit.explore.search.Hits

        Raises
        ------
        InputError
            When it is empty or no regular expression.
        """
        return Hits(self, pattern)

    def rule(self, pattern, category):
        """Try a rule: what a pattern catches, and how much of it has the category.

        Parameters
        ----------
        pattern : str
            Regular expression, without regard to case.
        category : str

        Returns
        -------
        chatkit.explore.rules.Rule

        Raises
        ------
        InputError
            When the pattern is empty or no regular expression, or no chat has the category.
        """
        return Rule(self, pattern, category)

    def nearest(self, message, n=10):
        """Find the chats most similar to a chat or to a text, by the cosine of their TF-IDF weights.

        Parameters
        ----------
        message : str or mapping
            A text, or subject and body; a chat of these (``chats["its id"]``) is not its own neighbour.
        n : int, default=10
            Chats, the most similar first; fewer where fewer have a word in common.

        Returns
        -------
        pandas.DataFrame
            cosine, id, category, message.

        Raises
        ------
        InputError
            When no word of the message stands in two of the chats.
        """
        given = {"subject": "", "body": message} if isinstance(message, str) else message
        row = self.pipeline.transform(pd.DataFrame([{name: given[name] for name in MESSAGE}]))
        if not row.nnz:
            raise InputError(
                f"No word of {excerpt(texts(pd.DataFrame([given]))[0], 60)!r} stands in two of the chats; use others."
            )
        cosine = (self.weights @ row.T).toarray().ravel().round(DECIMALS)
        if "id" in given:
            cosine[self.frame["id"] == given["id"]] = 0
        order = np.argsort(-cosine, kind="stable")[: min(n, (cosine > 0).sum())]
        found = self.table(order)
        found.insert(0, "cosine", cosine[order].round(2))
        return found

    def topics(self, n=None):
        """Group the chats by what they are about, whatever their category.

        Parameters
        ----------
        n : int, optional
            Topics; by default 20, fewer where there are few chats.

        Returns
        -------
        chatkit.explore.topics.Topics

        Raises
        ------
        InputError
            When the chats have too few different texts for so many topics.
        """
        return Topics(self, n)

    def map(self):
        """Lay 2,000 chats at most out in two dimensions, alike ones beside each other.

        Returns
        -------
        chatkit.explore.chat_map.ChatMap

        Raises
        ------
        InputError
            When there are fewer than ten different texts.
        """
        return ChatMap(self)

    def sample(self, n):
        """Draw rows, in order, of chats that have a word in common with another: all of them where there are no more.

        Parameters
        ----------
        n : int

        Returns
        -------
        ndarray of int
        """
        rows = np.flatnonzero(np.diff(self.weights.indptr))
        return np.sort(np.random.default_rng(self.seed).permutation(rows)[:n])

    def table(self, rows):
        """Lay chats out for reading, masked and shortened.

        Parameters
        ----------
        rows : array-like of int

        Returns
        -------
        pandas.DataFrame
            id, category, message.
        """
        chats = self.frame.iloc[rows]
        messages = [excerpt(text.translate(NO_MARKS), LONGEST) for text in texts(chats)] if len(chats) else []
        return chats[["id", "category"]].reset_index(drop=True).assign(message=messages)

    def distinct_words(self, rows, n=8):
        """Find the words that tell some chats from all of them.

        Parameters
        ----------
        rows : array-like of int
        n : int, default=8

        Returns
        -------
        str
            The words, the most distinct first.
        """
        mean = np.asarray(self.weights[rows].mean(axis=0)).ravel()
        # A word that is everywhere must be more frequent by more; a rare one that is only here must be frequent, too.
        ratio = log(np.maximum(mean / self._mean_weights, 1))
        distinct = ((mean - self._mean_weights) * ratio).round(DECIMALS)
        order = np.argsort(-distinct, kind="stable")[:n]
        return ", ".join(self.words[word] for word in order if distinct[word] > 0)

    @cached_property
    def _mean_weights(self):
        return np.asarray(self.weights.mean(axis=0)).ravel()

    def _sentence(self):
        dated = self.frame["created_at"].dropna() if "created_at" in self.frame else ()
        dates = f" from {dated.min():%Y-%m-%d} to {dated.max():%Y-%m-%d}" if len(dated) else ""
        empty = (self.frame["subject"].str.strip() == "").mean()
        subjects = f"{empty:.1%} without a subject" if empty else "none without a subject"
        return f"{style.chats(len(self))} in {style.categories(self.frame['category'].nunique())}{dates}, {subjects}."

    def _tables(self):
        sizes = category_sizes(self.frame)
        return [sizes.assign(share=sizes["share"].map("{:.1%}".format))]
