from django.db.models import Count, Max, Sum
from rest_framework.generics import ListCreateAPIView
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from artists.models import Artist
from plays.models import Play, PlayTotal
from plays.serializers import PlaySerializer

LATEST = 20


class PlayList(ListCreateAPIView):
    """GET: the latest plays. POST: record one. Both need a log-in."""

    permission_classes = [IsAuthenticated]
    serializer_class = PlaySerializer

    def get_queryset(self):
        return Play.objects.select_related("artist")[:LATEST]

    def perform_create(self, serializer):
        serializer.save(recorded_by=self.request.user)


class StatsView(APIView):
    """Totals now, by publisher and by station, beside what the last `count_plays` stored."""

    def get(self, request):
        counted = PlayTotal.objects.aggregate(total=Sum("total"), counted_at=Max("counted_at"))
        publishers = Artist.objects.values("publisher").annotate(
            artists=Count("id", distinct=True), plays=Count("play")
        )
        stations = Play.objects.order_by().values("station").annotate(plays=Count("id"))
        return Response(
            {
                "artists": Artist.objects.count(),
                "plays": Play.objects.count(),
                "counted": {"total": counted["total"] or 0, "counted_at": counted["counted_at"]},
                "publishers": list(publishers.order_by("-plays", "publisher")),
                "stations": list(stations.order_by("-plays", "station")),
            }
        )
