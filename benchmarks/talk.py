"""The reference: the pipeline of the talk, from NLTK's and scikit-learn's parts with their defaults."""

import os
import sys
from pathlib import Path

import nltk
from nltk.corpus import stopwords
from nltk.stem import WordNetLemmatizer
from nltk.tokenize import word_tokenize
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import LabelEncoder
from xgboost import XGBClassifier

from chatkit.text.messages import MessagePreprocessor

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "nltk_data"
LEMMATIZER = WordNetLemmatizer()


def find_data():
    """Let NLTK see its data."""
    if BESIDE.is_dir() and "NLTK_DATA" not in os.environ:
        nltk.data.path.insert(0, str(BESIDE))
    try:
        LEMMATIZER.lemmatize("cards")
        stopwords.words("english")
    except LookupError:
        sys.exit("The reference needs NLTK's wordnet and stopwords; set NLTK_DATA to the folder that holds them.")


def tokens(text, stop):
    """NLTK per token; `preserve_line` because splitting into sentences first would need more data, and more time."""
    return [LEMMATIZER.lemmatize(word) for word in word_tokenize(text.lower(), preserve_line=True) if word not in stop]


class NltkProcessor(TransformerMixin, BaseEstimator):
    """Tokens without stop words, lemmatised one after the other."""

    def fit(self, X, y=None):
        """Learn nothing."""
        return self

    def transform(self, X):
        """Give each text back as its lemmas."""
        stop = frozenset(stopwords.words("english"))
        return [" ".join(tokens(text, stop)) for text in X]


class NamedXGBClassifier(ClassifierMixin, BaseEstimator):
    """XGBClassifier with its defaults; it wants numbers for the categories."""

    def fit(self, X, y):
        """Fit it."""
        self.names_ = LabelEncoder().fit(y)
        self.model_ = XGBClassifier().fit(X, self.names_.transform(y))
        self.classes_ = self.names_.classes_
        return self

    def predict(self, X):
        """Give names."""
        return self.names_.inverse_transform(self.model_.predict(X))


def talks_pipeline():
    """Subject repeated, NLTK, counts, TF-IDF, XGBoost."""
    return Pipeline(
        [
            ("preprocess", MessagePreprocessor(subject_weight=2)),
            ("text", NltkProcessor()),
            ("counts", CountVectorizer()),
            ("tfidf", TfidfTransformer()),
            ("classifier", NamedXGBClassifier()),
        ]
    )
