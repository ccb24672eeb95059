from django.contrib import admin

from artists.models import Artist


@admin.register(Artist)
class ArtistAdmin(admin.ModelAdmin):
    list_display = ["name", "publisher"]
    list_filter = ["publisher"]
    prepopulated_fields = {"slug": ["name"]}
