"""Small ipywidgets faces on the workbench: what notebooks ask for."""

from plantlab.desk.game import game
from plantlab.desk.herbarium import herbarium
from plantlab.desk.identify import identify
from plantlab.desk.review import annotate, review
from plantlab.desk.teach import teach
from plantlab.desk.tell import tell

__all__ = ["annotate", "game", "herbarium", "identify", "review", "teach", "tell"]
